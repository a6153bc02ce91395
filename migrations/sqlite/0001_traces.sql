-- Runs, one row each, and what belongs to them. All of it but `events` of open runs, `conflicts`, `flags` and
-- `tombstones` can be rebuilt from the documents.

create table meta (
    key text primary key,
    value text not null
);

create table traces (
    row_id integer primary key,
    trace_id text not null unique,
    project text not null,
    query text not null,
    intent text,
    domain text,
    report_type text,
    research_type text,
    status text not null,
    error text,
    quality_gate_passed boolean,
    overall_quality_score real,
    quality_scale_max real,
    scaled_score real,
    started_at datetime not null,
    completed_at datetime,
    ended_at datetime,
    duration_seconds real,
    evidence_collected integer,
    evidence_passed integer,
    evidence_filtered integer,
    evidence_retrieved integer,
    evidence_used integer,
    retrieval_method text,
    retrieval_tokens integer,
    retrieval_cost_usd real,
    synthesis_model text,
    synthesis_input_tokens integer,
    synthesis_output_tokens integer,
    synthesis_cost_usd real,
    principle_scores text not null,
    rubric_scores text,
    principle_breakdown text,
    gap_principles text not null,
    strength_principles text not null,
    iteration_count integer not null,
    qg_iteration_count integer,
    quality_gate_failures integer not null,
    tier_config text,
    trace_file_path text,
    report_file_path text,
    output_file_paths text not null,
    flagged_for_review boolean not null,
    review_notes text,
    parent_trace_id text,
    agent_name text,
    agent_model text,
    tags text not null,
    decision_count integer not null,
    confidence_count integer not null,
    confidence_sum real not null,
    turn_count integer not null,
    event_count integer not null,
    event_bytes integer not null,
    last_event_at datetime not null,
    document_revision integer not null,
    projected boolean not null,
    schema_version integer not null,
    created_at datetime not null,
    updated_at datetime not null
);

create index traces_started on traces (started_at desc, trace_id);
create index traces_project on traces (project, started_at desc, trace_id);
create index traces_intent on traces (intent, started_at desc, trace_id);
create index traces_domain on traces (domain, started_at desc, trace_id);
create index traces_report_type on traces (report_type, started_at desc, trace_id);
create index traces_status on traces (status, started_at desc, trace_id);
create index traces_gate on traces (quality_gate_passed, started_at desc, trace_id);
create index traces_score on traces (scaled_score desc, started_at desc, trace_id);
create index traces_flagged on traces (started_at desc, trace_id) where flagged_for_review;
create index traces_ended on traces (ended_at, trace_id);
create index traces_project_ended on traces (project, ended_at, trace_id);
create index traces_intent_ended on traces (intent, ended_at, trace_id);
create index traces_domain_ended on traces (domain, ended_at, trace_id);
create index traces_open on traces (last_event_at) where status = 'in_progress';
create index traces_parent on traces (parent_trace_id) where parent_trace_id is not null;

-- Words are cut by the program, the same for both databases; the tokenizer only parts them at blanks.
create virtual table trace_words using fts5 (
    query, tags, error, content = '', contentless_delete = 1, tokenize = 'ascii'
);

create table tags (
    tag text not null,
    trace_id text not null,
    primary key (tag, trace_id)
);
create index tags_trace on tags (trace_id);

create table stages (
    trace_id text not null,
    stage text not null,
    position integer not null,
    started_at datetime,
    completed_at datetime,
    duration_seconds real,
    decision_count integer not null,
    error text,
    primary key (trace_id, stage)
);

create table decisions (
    trace_id text not null,
    decision_id text not null,
    stage text not null,
    position integer not null,
    decision text not null,
    what text not null,
    why text not null,
    confidence real,
    alternative_count integer not null,
    evidence_count integer not null,
    error text,
    outcome_correct boolean,
    actor text,
    decided_at datetime not null,
    late boolean not null,
    primary key (trace_id, decision_id)
);
create index decisions_key on decisions (decision, decided_at);

create table alternatives (
    trace_id text not null,
    decision_id text not null,
    position integer not null,
    option text not null,
    score real,
    why_not text,
    primary key (trace_id, decision_id, position)
);

create table principle_scores (
    trace_id text not null,
    principle text not null,
    score real,
    scaled_score real,
    side text not null,
    project text not null,
    ended_at datetime,
    primary key (trace_id, principle)
);
create index principle_scores_ended on principle_scores (principle, ended_at, trace_id);

create table evidence (
    trace_id text not null,
    stage text not null,
    collected_count integer,
    passed_count integer,
    filtered_count integer,
    by_source text not null,
    primary key (trace_id, stage)
);

-- Events of runs that are open or whose document is not saved yet.
create table events (
    trace_id text not null,
    event_id text not null,
    recorded_at datetime not null,
    content_hash text not null,
    body text not null,
    primary key (trace_id, event_id)
);

-- Events whose name was taken by another content. Kept for `whytrace doctor`; the first one stands.
create table conflicts (
    trace_id text not null,
    event_id text not null,
    content_hash text not null,
    recorded_at datetime not null,
    body text not null,
    primary key (trace_id, event_id, content_hash)
);

create table flags (
    flag_id text primary key,
    project text not null,
    kind text not null,
    subject text not null,
    state text not null,
    last_seen datetime not null,
    record text not null
);
create index flags_project on flags (project, last_seen desc);

-- Runs that were deleted: nothing brings them back.
create table tombstones (
    trace_id text primary key,
    deleted_at datetime not null
);

create view trace_quality_gaps as
select p.principle, t.project, t.intent, t.domain, t.trace_id, p.score, t.quality_scale_max, t.completed_at
from principle_scores p
join traces t on t.trace_id = p.trace_id
where p.side = 'gap';

create view trace_intent_summary as
select intent,
    count(*) as runs,
    count(*) filter (where status = 'complete') as complete,
    count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status = 'incomplete') as incomplete,
    count(*) filter (where quality_gate_passed) as passed,
    avg(scaled_score) as mean_score,
    avg(duration_seconds) as mean_duration_seconds,
    sum(synthesis_cost_usd) as total_cost_usd
from traces
where status <> 'in_progress'
group by intent;

create view trace_stage_durations as
select s.trace_id, t.project, t.intent, s.stage, s.position, s.started_at, s.completed_at, s.duration_seconds
from stages s
join traces t on t.trace_id = s.trace_id;
