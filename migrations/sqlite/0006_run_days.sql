-- Finished runs of one UTC day, added up, so that what is asked of many runs reads few rows. They follow from `traces` and
-- `principle_scores`.

-- Of a project: all runs (`field` and `value` empty), those of an intent, those of a domain. `score` is in millionths of
-- the configured scale's unit.
create table run_days (
    field text not null,
    value text not null,
    day text not null,
    project text not null,
    runs integer not null,
    judged integer not null,
    passed integer not null,
    scored integer not null,
    score integer not null,
    primary key (field, value, day, project)
) without rowid;

insert into run_days
with ended as (
    select project, substr(ended_at, 1, 10) as day, intent, domain, quality_gate_passed,
        cast(max(min(scaled_score, 1000000.0), -1000000.0) * 1000000.0 + 0.5 as integer) as score
    from traces
    where ended_at is not null
),
told as (
    select '' as field, '' as value, day, project, quality_gate_passed, score from ended
    union all
    select 'intent', intent, day, project, quality_gate_passed, score from ended where intent <> ''
    union all
    select 'domain', domain, day, project, quality_gate_passed, score from ended where domain <> ''
)
select field, value, day, project, count(*), count(quality_gate_passed),
    count(case when quality_gate_passed then 1 end), count(score), coalesce(sum(score), 0)
from told
group by field, value, day, project;

-- Of a principle in runs of a project, intent and domain; one that is empty stands for none.
create table principle_days (
    day text not null,
    principle text not null,
    project text not null,
    intent text not null,
    domain text not null,
    runs integer not null,
    gap_runs integer not null,
    primary key (day, principle, project, intent, domain)
) without rowid;

insert into principle_days
select substr(t.ended_at, 1, 10), p.principle, t.project, coalesce(t.intent, ''), coalesce(t.domain, ''), count(*),
    count(case when p.side = 'gap' then 1 end)
from principle_scores p
join traces t on t.trace_id = p.trace_id
where t.ended_at is not null
group by 1, 2, 3, 4, 5;

-- The last runs in which a principle was a gap are found without going through those in which it was none.
create index principle_scores_side on principle_scores (principle, side, ended_at, trace_id, project);
drop index principle_scores_ended;

-- With the id behind, so that the newest runs of a query are read in order and no further.
create index traces_asked on traces (project, query_hash, started_at desc, trace_id);
drop index traces_query;

-- The last runs of an agent, which may be rare.
create index traces_agent on traces (project, agent_name, ended_at, trace_id) where agent_name is not null;
