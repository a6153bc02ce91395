-- What keys and agents said and what came of it, added up by UTC day, so that a check at a run's finish reads at most
-- 90 small rows. It follows from `decisions` and `traces`; a subject is `decision:KEY` or `agent:NAME`. `excess` is
-- confidence less outcome, in thousandths, by bins of a tenth; `variance` is what perfect confidence would give it.

create table confidence_days (
    project text collate "C" not null,
    subject text collate "C" not null,
    day text collate "C" not null,
    runs bigint not null,
    decisions bigint not null,
    right_decisions bigint not null,
    variance bigint not null,
    excess_0 bigint not null,
    excess_1 bigint not null,
    excess_2 bigint not null,
    excess_3 bigint not null,
    excess_4 bigint not null,
    excess_5 bigint not null,
    excess_6 bigint not null,
    excess_7 bigint not null,
    excess_8 bigint not null,
    excess_9 bigint not null,
    variance_0 bigint not null,
    variance_1 bigint not null,
    variance_2 bigint not null,
    variance_3 bigint not null,
    variance_4 bigint not null,
    variance_5 bigint not null,
    variance_6 bigint not null,
    variance_7 bigint not null,
    variance_8 bigint not null,
    variance_9 bigint not null,
    primary key (project, subject, day)
);

insert into confidence_days
with judged as (
    select t.project, t.trace_id, t.agent_name, d.decision, to_char(t.ended_at at time zone 'UTC', 'YYYY-MM-DD') as day,
        cast(trunc(d.confidence * 1000 + 0.5) as bigint) as said,
        case when coalesce(d.outcome_correct, t.quality_gate_passed) then 1 else 0 end as proved,
        case when d.outcome_correct is not null then 1 else 0 end as own
    from decisions d
    join traces t on t.trace_id = d.trace_id
    where d.confidence is not null and t.ended_at is not null
        and coalesce(d.outcome_correct, t.quality_gate_passed) is not null
),
stated as (
    select project, trace_id, day, 'decision:' || decision as subject, said, proved, own from judged
    union all
    select project, trace_id, day, 'agent:' || agent_name as subject, said, proved, own
    from judged where agent_name is not null
),
spread as (
    select project, trace_id, day, subject, said, proved, own,
        case when said >= 1000 then 9 else said / 100 end as bin,
        case when said < 50 then 50 * 950 when said > 950 then 950 * 50 else said * (1000 - said) end as spread
    from stated
),
bins as (
    select project, subject, day, trace_id, bin, count(*) as decisions, cast(sum(proved) as bigint) as proved,
        cast(sum(said - 1000 * proved) as bigint) as excess, cast(sum(1 - own) as bigint) as shared,
        cast(sum((1 - own) * spread) as bigint) as of_shared, cast(sum(own * spread) as bigint) as of_own
    from spread
    group by project, subject, day, trace_id, bin
),
wholes as (
    select project, subject, day, trace_id, cast(sum(decisions) as bigint) as decisions, cast(sum(proved) as bigint) as proved,
        cast(sum(shared) as bigint) as shared, cast(sum(of_shared) as bigint) as of_shared, cast(sum(of_own) as bigint) as of_own
    from bins
    group by project, subject, day, trace_id
),
days as (
    select project, subject, day, count(*) as runs, cast(sum(decisions) as bigint) as decisions,
        cast(sum(proved) as bigint) as proved,
        cast(sum(case when shared * of_shared + of_own > 1000000000000 then 1000000000000 else shared * of_shared + of_own end) as bigint) as variance
    from wholes
    group by project, subject, day
),
capped as (
    select project, subject, day, bin, excess,
        case when shared * of_shared + of_own > 1000000000000 then 1000000000000 else shared * of_shared + of_own end as variance
    from bins
)
select d.project, d.subject, d.day, d.runs, d.decisions, d.proved, d.variance,
    cast(sum(case when c.bin = 0 then c.excess else 0 end) as bigint),
    cast(sum(case when c.bin = 1 then c.excess else 0 end) as bigint),
    cast(sum(case when c.bin = 2 then c.excess else 0 end) as bigint),
    cast(sum(case when c.bin = 3 then c.excess else 0 end) as bigint),
    cast(sum(case when c.bin = 4 then c.excess else 0 end) as bigint),
    cast(sum(case when c.bin = 5 then c.excess else 0 end) as bigint),
    cast(sum(case when c.bin = 6 then c.excess else 0 end) as bigint),
    cast(sum(case when c.bin = 7 then c.excess else 0 end) as bigint),
    cast(sum(case when c.bin = 8 then c.excess else 0 end) as bigint),
    cast(sum(case when c.bin = 9 then c.excess else 0 end) as bigint),
    cast(sum(case when c.bin = 0 then c.variance else 0 end) as bigint),
    cast(sum(case when c.bin = 1 then c.variance else 0 end) as bigint),
    cast(sum(case when c.bin = 2 then c.variance else 0 end) as bigint),
    cast(sum(case when c.bin = 3 then c.variance else 0 end) as bigint),
    cast(sum(case when c.bin = 4 then c.variance else 0 end) as bigint),
    cast(sum(case when c.bin = 5 then c.variance else 0 end) as bigint),
    cast(sum(case when c.bin = 6 then c.variance else 0 end) as bigint),
    cast(sum(case when c.bin = 7 then c.variance else 0 end) as bigint),
    cast(sum(case when c.bin = 8 then c.variance else 0 end) as bigint),
    cast(sum(case when c.bin = 9 then c.variance else 0 end) as bigint)
from days d
join capped c on c.project = d.project and c.subject = d.subject and c.day = d.day
group by d.project, d.subject, d.day, d.runs, d.decisions, d.proved, d.variance;
