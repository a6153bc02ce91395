-- Decisions by their own words: what is searched, which option they chose and rejected, and of their run what
-- questions filter by, so that these need no join. What SQL cannot fill of rows that are here already (words, choices,
-- results, hashes) is null or empty until `whytrace reindex`.

alter table traces add column query_hash text collate "C";
create index traces_query on traces (project, query_hash, started_at desc);

alter table decisions rename to decisions_before;
alter index decisions_pkey rename to decisions_before_pkey;
drop index decisions_key;

create table decisions (
    row_id bigint generated always as identity primary key,
    trace_id text collate "C" not null,
    decision_id text collate "C" not null,
    stage text collate "C" not null,
    position bigint not null,
    decision text collate "C" not null,
    what text collate "C" not null,
    why text collate "C" not null,
    result text collate "C",
    confidence double precision,
    alternative_count bigint not null,
    evidence_count bigint not null,
    error text collate "C",
    outcome_correct boolean,
    actor text collate "C",
    decided_at timestamptz not null,
    late boolean not null,
    project text collate "C",
    intent text collate "C",
    ended_at timestamptz,
    quality_gate_passed boolean,
    choice text collate "C",
    word_text text collate "C" not null default '',
    words tsvector generated always as (
        array_to_tsvector(array_remove(string_to_array(translate(word_text, chr(10), ' '), ' '), ''))
    ) stored,
    unique (trace_id, decision_id)
);

insert into decisions (
    trace_id, decision_id, stage, position, decision, what, why, confidence, alternative_count, evidence_count, error,
    outcome_correct, actor, decided_at, late, project, intent, ended_at, quality_gate_passed
)
select d.trace_id, d.decision_id, d.stage, d.position, d.decision, d.what, d.why, d.confidence, d.alternative_count,
    d.evidence_count, d.error, d.outcome_correct, d.actor, d.decided_at, d.late, t.project, t.intent, t.ended_at,
    t.quality_gate_passed
from decisions_before d
join traces t on t.trace_id = d.trace_id
order by t.ended_at, t.trace_id, d.position;

drop table decisions_before;

create index decisions_project on decisions (project, decision, ended_at desc);
create index decisions_unsearchable on decisions (project) where choice is null;
create index decisions_words on decisions using gin (words);

alter table alternatives add column row_id bigint generated always as identity;
alter table alternatives add column choice text collate "C";
