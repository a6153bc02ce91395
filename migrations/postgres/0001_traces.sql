-- Runs, one row each, and what belongs to them. All of it but `events` of open runs, `conflicts`, `flags` and
-- `tombstones` can be rebuilt from the documents.

create table meta (
    key text collate "C" primary key,
    value text collate "C" not null
);

create table traces (
    row_id bigint generated always as identity primary key,
    trace_id text collate "C" not null unique,
    project text collate "C" not null,
    query text collate "C" not null,
    intent text collate "C",
    domain text collate "C",
    report_type text collate "C",
    research_type text collate "C",
    status text collate "C" not null,
    error text collate "C",
    quality_gate_passed boolean,
    overall_quality_score double precision,
    quality_scale_max double precision,
    scaled_score double precision,
    started_at timestamptz not null,
    completed_at timestamptz,
    ended_at timestamptz,
    duration_seconds double precision,
    evidence_collected bigint,
    evidence_passed bigint,
    evidence_filtered bigint,
    evidence_retrieved bigint,
    evidence_used bigint,
    retrieval_method text collate "C",
    retrieval_tokens bigint,
    retrieval_cost_usd double precision,
    synthesis_model text collate "C",
    synthesis_input_tokens bigint,
    synthesis_output_tokens bigint,
    synthesis_cost_usd double precision,
    principle_scores jsonb not null,
    rubric_scores jsonb,
    principle_breakdown jsonb,
    gap_principles jsonb not null,
    strength_principles jsonb not null,
    iteration_count bigint not null,
    qg_iteration_count bigint,
    quality_gate_failures bigint not null,
    tier_config jsonb,
    trace_file_path text collate "C",
    report_file_path text collate "C",
    output_file_paths jsonb not null,
    flagged_for_review boolean not null,
    review_notes text collate "C",
    parent_trace_id text collate "C",
    agent_name text collate "C",
    agent_model text collate "C",
    tags jsonb not null,
    decision_count bigint not null,
    confidence_count bigint not null,
    confidence_sum double precision not null,
    turn_count bigint not null,
    event_count bigint not null,
    event_bytes bigint not null,
    last_event_at timestamptz not null,
    document_revision bigint not null,
    projected boolean not null,
    schema_version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    words tsvector not null default ''::tsvector,
    word_text text collate "C" not null default ''
);

create index traces_started on traces (started_at desc, trace_id);
create index traces_project on traces (project, started_at desc, trace_id);
create index traces_intent on traces (intent, started_at desc, trace_id);
create index traces_domain on traces (domain, started_at desc, trace_id);
create index traces_report_type on traces (report_type, started_at desc, trace_id);
create index traces_status on traces (status, started_at desc, trace_id);
create index traces_gate on traces (quality_gate_passed, started_at desc, trace_id);
create index traces_score on traces (scaled_score desc nulls last, started_at desc, trace_id);
create index traces_flagged on traces (started_at desc, trace_id) where flagged_for_review;
create index traces_ended on traces (ended_at, trace_id);
create index traces_project_ended on traces (project, ended_at, trace_id);
create index traces_intent_ended on traces (intent, ended_at, trace_id);
create index traces_domain_ended on traces (domain, ended_at, trace_id);
create index traces_open on traces (last_event_at) where status = 'in_progress';
create index traces_parent on traces (parent_trace_id) where parent_trace_id is not null;
create index traces_principles on traces using gin (principle_scores);
create index traces_words on traces using gin (words);

create table tags (
    tag text collate "C" not null,
    trace_id text collate "C" not null,
    primary key (tag, trace_id)
);
create index tags_trace on tags (trace_id);

create table stages (
    trace_id text collate "C" not null,
    stage text collate "C" not null,
    position bigint not null,
    started_at timestamptz,
    completed_at timestamptz,
    duration_seconds double precision,
    decision_count bigint not null,
    error text collate "C",
    primary key (trace_id, stage)
);

create table decisions (
    trace_id text collate "C" not null,
    decision_id text collate "C" not null,
    stage text collate "C" not null,
    position bigint not null,
    decision text collate "C" not null,
    what text collate "C" not null,
    why text collate "C" not null,
    confidence double precision,
    alternative_count bigint not null,
    evidence_count bigint not null,
    error text collate "C",
    outcome_correct boolean,
    actor text collate "C",
    decided_at timestamptz not null,
    late boolean not null,
    primary key (trace_id, decision_id)
);
create index decisions_key on decisions (decision, decided_at);

create table alternatives (
    trace_id text collate "C" not null,
    decision_id text collate "C" not null,
    position bigint not null,
    option text collate "C" not null,
    score double precision,
    why_not text collate "C",
    primary key (trace_id, decision_id, position)
);

create table principle_scores (
    trace_id text collate "C" not null,
    principle text collate "C" not null,
    score double precision,
    scaled_score double precision,
    side text collate "C" not null,
    project text collate "C" not null,
    ended_at timestamptz,
    primary key (trace_id, principle)
);
create index principle_scores_ended on principle_scores (principle, ended_at, trace_id);

create table evidence (
    trace_id text collate "C" not null,
    stage text collate "C" not null,
    collected_count bigint,
    passed_count bigint,
    filtered_count bigint,
    by_source jsonb not null,
    primary key (trace_id, stage)
);

-- Events of runs that are open or whose document is not saved yet.
create table events (
    trace_id text collate "C" not null,
    event_id text collate "C" not null,
    recorded_at timestamptz not null,
    content_hash text collate "C" not null,
    body text collate "C" not null,
    primary key (trace_id, event_id)
);

-- Events whose name was taken by another content. Kept for `whytrace doctor`; the first one stands.
create table conflicts (
    trace_id text collate "C" not null,
    event_id text collate "C" not null,
    content_hash text collate "C" not null,
    recorded_at timestamptz not null,
    body text collate "C" not null,
    primary key (trace_id, event_id, content_hash)
);

create table flags (
    flag_id text collate "C" primary key,
    project text collate "C" not null,
    kind text collate "C" not null,
    subject text collate "C" not null,
    state text collate "C" not null,
    last_seen timestamptz not null,
    record text collate "C" not null
);
create index flags_project on flags (project, last_seen desc);

-- Runs that were deleted: nothing brings them back.
create table tombstones (
    trace_id text collate "C" primary key,
    deleted_at timestamptz not null
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
