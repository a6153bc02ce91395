//! What decisions there are to ask about: how many, and their most frequent keys and stages.

use super::SEARCH_WINDOW;
use super::filter::DecisionFilter;
use super::window::Window;
use crate::error::Result;
use crate::store::index::{Index, Scope};
use crate::store::sql::Sql;

impl Index {
    /// How many decisions there are in scope, and the most frequent keys and stages of the newest of them.
    ///
    /// # Errors
    /// As [`Index::search_decisions`].
    pub async fn decision_values(
        &self,
        scope: &Scope,
        limit: u32,
    ) -> Result<(u64, Vec<(&'static str, Vec<(String, u64)>)>)> {
        let filter = DecisionFilter { scope: scope.clone(), ..DecisionFilter::default() };
        self.read(async |session| {
            let postgres = session.is_postgres();
            let mut sql = Sql::new("select count(*) from decisions d where true");
            if let Scope::Projects(projects) = scope {
                sql.push(" and d.project in ").list(projects.iter().map(String::as_str));
            }
            let (count,): (i64,) = session.fetch_one(sql).await?;
            let window = Window::of(session, &filter.narrowing(), i64::MAX, SEARCH_WINDOW).await?;
            let mut values = Vec::new();
            for (name, column) in [("decision", "d.decision"), ("stage", "d.stage")] {
                let mut sql = Sql::new("select ");
                sql.push(column).push(", count(*) from decisions d");
                filter.push(&mut sql);
                window.push_condition(&mut sql, postgres);
                sql.push(" group by ").push(column).push(" order by count(*) desc, ").push(column);
                sql.push(" limit ").arg(i64::from(limit));
                let rows: Vec<(String, i64)> = session.fetch(sql).await?;
                let counted = |(value, count): (String, i64)| (value, u64::try_from(count).unwrap_or(0));
                values.push((name, rows.into_iter().map(counted).collect()));
            }
            Ok((u64::try_from(count).unwrap_or(0), values))
        })
        .await
    }
}
