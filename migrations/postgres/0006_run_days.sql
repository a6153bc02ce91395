-- Finished runs of one UTC day that share project, intent and domain, added up, so that what is asked of many runs reads
-- few rows. They follow from `traces` and `principle_scores`; an empty intent or domain stands for none. `score` is in
-- millionths of the configured scale's unit.

create table run_days (
    project text collate "C" not null,
    day text collate "C" not null,
    intent text collate "C" not null,
    domain text collate "C" not null,
    runs bigint not null,
    judged bigint not null,
    passed bigint not null,
    scored bigint not null,
    score bigint not null,
    primary key (project, day, intent, domain)
);
create index run_days_day on run_days (day);

insert into run_days
select project, to_char(ended_at at time zone 'UTC', 'YYYY-MM-DD'), coalesce(intent, ''), coalesce(domain, ''), count(*),
    count(quality_gate_passed), count(case when quality_gate_passed then 1 end), count(scaled_score),
    cast(coalesce(sum(case when scaled_score is not null then
        cast(trunc(greatest(least(scaled_score, 1000000.0), -1000000.0) * 1000000.0 + 0.5) as bigint) end), 0) as bigint)
from traces
where ended_at is not null
group by 1, 2, 3, 4;

create table principle_days (
    project text collate "C" not null,
    principle text collate "C" not null,
    day text collate "C" not null,
    intent text collate "C" not null,
    domain text collate "C" not null,
    runs bigint not null,
    gap_runs bigint not null,
    primary key (project, principle, day, intent, domain)
);
create index principle_days_day on principle_days (day);

insert into principle_days
select t.project, p.principle, to_char(t.ended_at at time zone 'UTC', 'YYYY-MM-DD'), coalesce(t.intent, ''), coalesce(t.domain, ''), count(*),
    count(case when p.side = 'gap' then 1 end)
from principle_scores p
join traces t on t.trace_id = p.trace_id
where t.ended_at is not null
group by 1, 2, 3, 4, 5;

-- The last runs in which a principle was a gap are found without going through those in which it was none.
drop index principle_scores_ended;
create index principle_scores_side on principle_scores (principle, side, ended_at, trace_id);

-- With the id behind, so that the newest runs of a query are read in order and no further.
drop index traces_query;
create index traces_query on traces (project, query_hash, started_at desc, trace_id);

-- The last runs of an agent, which may be rare.
create index traces_agent on traces (project, agent_name, ended_at, trace_id) where agent_name is not null;
