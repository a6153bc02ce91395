//! What a person may choose from: projects, intents, domains and ids, found for whoever is typing.
//!
//! None of these questions reads more than a bounded number of index entries, however many runs there are. Distinct
//! values of all runs are found by going from one to the next along an index, a seek each. What is asked about some
//! projects alone is found among the latest runs of each. So an answer may leave out what is old, and never takes long.

use super::Index;
use super::lookup::behind;
use crate::error::Result;
use crate::model::TraceId;
use crate::store::sql::Sql;

/// How many of the latest runs are looked at for choices within some projects, all of them together.
const LATEST: usize = 2_000;

/// How many of the latest runs of each project are looked at, at least.
const LATEST_OF_EACH: usize = 20;

/// The most projects that are looked into.
const MOST_PROJECTS: usize = 200;

/// How many ids with the right beginning are looked at for those of some projects.
const IDS_LOOKED_AT: i64 = 5_000;

/// A field by which runs are grouped, whose values can be chosen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Projects.
    Project,
    /// Intents.
    Intent,
    /// Domains.
    Domain,
}

impl Choice {
    fn column(self) -> &'static str {
        match self {
            Self::Project => "t.project",
            Self::Intent => "t.intent",
            Self::Domain => "t.domain",
        }
    }
}

impl Index {
    /// The values of a field among all runs that begin like this, in order, at most `limit`.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn choices(&self, field: Choice, beginning: &str, limit: u32) -> Result<Vec<String>> {
        let end = behind(beginning);
        let next = |sql: &mut Sql, from: &'static str| {
            sql.push("(select ").push(field.column()).push(" from traces t where ");
            sql.push(field.column()).push(from);
        };
        let until = |sql: &mut Sql| {
            if let Some(end) = &end {
                sql.push(" and ").push(field.column()).push(" < ").arg(end);
            }
            sql.push(" order by ").push(field.column()).push(" limit 1)");
        };
        let mut sql = Sql::new("with recursive found (value, number) as (select ");
        next(&mut sql, " >= ");
        sql.arg(beginning);
        until(&mut sql);
        sql.push(", 1 union all select ");
        next(&mut sql, " > found.value");
        until(&mut sql);
        sql.push(", found.number + 1 from found where found.value is not null and found.number < ");
        sql.arg(i64::from(limit));
        sql.push(") select value from found where value is not null order by value");
        self.texts(sql).await
    }

    /// The values of a field among the latest runs of these projects, in order.
    ///
    /// # Errors
    /// As [`Index::choices`].
    pub async fn choices_within(&self, field: Choice, projects: &[String]) -> Result<Vec<String>> {
        let Some(mut sql) = latest_of(projects, "select distinct value from (", field.column()) else {
            return Ok(Vec::new());
        };
        sql.push(") latest where value is not null order by value");
        self.texts(sql).await
    }

    /// Ids of the latest runs, of all or of these projects, at most `limit`.
    ///
    /// # Errors
    /// As [`Index::choices`].
    pub async fn latest_ids(&self, projects: Option<&[String]>, limit: u32) -> Result<Vec<TraceId>> {
        let sql = match projects {
            None => Some(Sql::new("select t.trace_id from traces t order by t.started_at desc, t.trace_id")),
            Some(projects) => latest_of(projects, "select value from (", "t.trace_id").map(|mut sql| {
                sql.push(") latest order by started_at desc, value");
                sql
            }),
        };
        let Some(mut sql) = sql else { return Ok(Vec::new()) };
        sql.push(" limit ").arg(i64::from(limit));
        Ok(ids(self.texts(sql).await?))
    }

    /// Ids that begin like this, of all runs or of those of these projects, in order, at most `limit`.
    ///
    /// # Errors
    /// As [`Index::choices`].
    pub async fn ids_like(
        &self,
        beginning: &str,
        projects: Option<&[String]>,
        limit: u32,
    ) -> Result<Vec<TraceId>> {
        let mut sql =
            Sql::new("select trace_id from (select t.trace_id, t.project from traces t where t.trace_id >= ");
        sql.arg(beginning);
        if let Some(end) = behind(beginning) {
            sql.push(" and t.trace_id < ").arg(end);
        }
        let looked_at = if projects.is_some() { IDS_LOOKED_AT } else { i64::from(limit) };
        sql.push(" order by t.trace_id limit ").arg(looked_at).push(") alike");
        if let Some(projects) = projects {
            sql.push(" where project in ").list(projects.iter().map(String::as_str));
        }
        sql.push(" order by trace_id limit ").arg(i64::from(limit));
        let mut found = ids(self.texts(sql).await?);
        if let Some(projects) = projects {
            // Those of the latest runs come even where there are too many ids with this beginning.
            let latest = self.latest_ids(Some(projects), u32::try_from(LATEST).unwrap_or(u32::MAX)).await?;
            found.extend(latest.into_iter().filter(|id| id.as_str().starts_with(beginning)));
            found.sort();
            found.dedup();
            found.truncate(limit as usize);
        }
        Ok(found)
    }

    async fn texts(&self, sql: Sql) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = self.read(async |session| session.fetch(sql).await).await?;
        Ok(rows.into_iter().map(|(text,)| text).collect())
    }
}

/// Begins a statement over `value` and `started_at` of the latest runs of each project; `None` where there is none.
fn latest_of(projects: &[String], opening: &'static str, column: &'static str) -> Option<Sql> {
    let projects = projects.get(..MOST_PROJECTS).unwrap_or(projects);
    let each = (LATEST / projects.len().max(1)).max(LATEST_OF_EACH);
    let mut sql = Sql::new(opening);
    let mut separator = "";
    for project in projects {
        sql.push(separator).push("select value, started_at from (select ").push(column);
        sql.push(" as value, t.started_at from traces t where t.project = ").arg(project);
        sql.push(" order by t.started_at desc, t.trace_id limit ")
            .arg(i64::try_from(each).unwrap_or(i64::MAX));
        sql.push(") own");
        separator = " union all ";
    }
    (!projects.is_empty()).then_some(sql)
}

/// What is no id any more cannot be chosen either.
fn ids(texts: Vec<String>) -> Vec<TraceId> {
    texts.into_iter().filter_map(|text| text.parse().ok()).collect()
}
