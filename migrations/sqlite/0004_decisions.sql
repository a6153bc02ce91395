-- Decisions by their own words: what is searched, which option they chose and rejected, and of their run what
-- questions filter by, so that these need no join. What SQL cannot fill of rows that are here already (words, choices,
-- results, hashes) is null or empty until `whytrace reindex`.

alter table traces add column query_hash text;
create index traces_query on traces (project, query_hash, started_at desc);

alter table decisions rename to decisions_before;
drop index decisions_key;

create table decisions (
    row_id integer primary key,
    trace_id text not null,
    decision_id text not null,
    stage text not null,
    position integer not null,
    decision text not null,
    what text not null,
    why text not null,
    result text,
    confidence real,
    alternative_count integer not null,
    evidence_count integer not null,
    error text,
    outcome_correct boolean,
    actor text,
    decided_at datetime not null,
    late boolean not null,
    project text,
    intent text,
    ended_at datetime,
    quality_gate_passed boolean,
    choice text,
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

-- Cut by the program, as the words of runs are. `scope` holds what narrows a search before its hits are looked at.
create virtual table decision_words using fts5 (
    what, why, result, options, scope, content = '', contentless_delete = 1, tokenize = 'ascii'
);

alter table alternatives rename to alternatives_before;

create table alternatives (
    row_id integer primary key,
    trace_id text not null,
    decision_id text not null,
    position integer not null,
    option text not null,
    score real,
    why_not text,
    choice text,
    unique (trace_id, decision_id, position)
);

insert into alternatives (trace_id, decision_id, position, option, score, why_not)
select trace_id, decision_id, position, option, score, why_not from alternatives_before order by rowid;

drop table alternatives_before;

