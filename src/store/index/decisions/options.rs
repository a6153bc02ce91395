//! Options: which decision chose or rejected each of them, and how its run went.

use std::collections::HashSet;

use super::FROM;
use super::filter::DecisionFilter;
use super::window::Window;
use crate::error::Result;
use crate::store::index::Index;
use crate::store::session::Session;
use crate::store::sql::Sql;
use crate::words::{choice, words};

/// A decision that had an option before it.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionUse {
    /// The option in the form in which options are compared.
    pub choice: String,
    /// The option as it was said.
    pub said: String,
    /// Whether it was chosen, else rejected.
    pub chosen: bool,
    /// The run.
    pub trace_id: String,
    /// The intent of the run.
    pub intent: Option<String>,
    /// The verdict on the run.
    pub passed: Option<bool>,
    /// The score of the run, on the configured scale.
    pub score: Option<f64>,
}

/// Decisions that had an option before them, and how far was looked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptionUses {
    /// Each of them, the newest first.
    pub uses: Vec<OptionUse>,
    /// How many decisions were looked at.
    pub looked_at: u64,
    /// Whether there are older ones.
    pub is_partial: bool,
}

#[derive(sqlx::FromRow)]
struct UseRow {
    trace_id: String,
    decision_id: String,
    what: String,
    choice: Option<String>,
    intent: Option<String>,
    quality_gate_passed: Option<bool>,
    scaled_score: Option<f64>,
}

impl Index {
    /// The decisions that chose or rejected an option, among the newest `limit` that have its words in one of
    /// their texts. Chosen is what `what` is, or names as whole words without counting it among the options that
    /// were not taken.
    ///
    /// # Errors
    /// As [`Index::search_decisions`].
    pub async fn option_uses(&self, filter: &DecisionFilter, option: &str, limit: u32) -> Result<OptionUses> {
        let folded = choice(option);
        let filter = filter.clone().about_option(option);
        self.read(async |session| {
            let window = Window::of(session, &filter.narrowing(), i64::MAX, limit).await?;
            let rows = uses(session, &filter, &window).await?;
            let rejections = rejections(session, &filter, &window, Some(&folded)).await?;
            let rejecting: HashSet<(&str, &str)> =
                rejections.iter().map(|one| (one.trace_id.as_str(), one.decision_id.as_str())).collect();
            let names = words(option);
            let mut found = Vec::new();
            for row in rows {
                let is_it = row.choice.as_deref() == Some(folded.as_str());
                let is_rejected = rejecting.contains(&(row.trace_id.as_str(), row.decision_id.as_str()));
                let chosen = is_it || (!is_rejected && lists(&row.what, &names));
                if chosen || is_rejected {
                    found.push(OptionUse { chosen, ..row.into_use(&folded, option) });
                }
            }
            Ok(OptionUses { uses: found, looked_at: window.rows.len() as u64, is_partial: window.is_partial })
        })
        .await
    }

    /// What the newest decisions that meet the filter chose and rejected, at most `limit` decisions.
    ///
    /// # Errors
    /// As [`Index::search_decisions`].
    pub async fn choice_uses(&self, filter: &DecisionFilter, limit: u32) -> Result<OptionUses> {
        self.read(async |session| {
            let window = Window::of(session, &filter.narrowing(), i64::MAX, limit).await?;
            let mut found = Vec::new();
            for (chosen, rows) in [
                (true, uses(session, filter, &window).await?),
                (false, rejections(session, filter, &window, None).await?),
            ] {
                found.extend(rows.into_iter().filter_map(|row| {
                    let folded = row.choice.clone().filter(|folded| !folded.is_empty())?;
                    let said = row.what.clone();
                    Some(OptionUse { chosen, ..row.into_use(&folded, &said) })
                }));
            }
            Ok(OptionUses { uses: found, looked_at: window.rows.len() as u64, is_partial: window.is_partial })
        })
        .await
    }
}

impl UseRow {
    fn into_use(self, choice: &str, said: &str) -> OptionUse {
        OptionUse {
            choice: choice.to_owned(),
            said: said.to_owned(),
            chosen: false,
            trace_id: self.trace_id,
            intent: self.intent,
            passed: self.quality_gate_passed,
            score: self.scaled_score,
        }
    }
}

async fn uses(session: &mut Session, filter: &DecisionFilter, window: &Window) -> sqlx::Result<Vec<UseRow>> {
    let postgres = session.is_postgres();
    let mut sql = Sql::new(
        "select d.trace_id, d.decision_id, d.what, d.choice, d.intent, d.quality_gate_passed, t.scaled_score",
    );
    sql.push(FROM);
    filter.push(&mut sql);
    window.push_condition(&mut sql, postgres);
    sql.push(" order by d.row_id desc");
    session.fetch(sql).await
}

/// The options that decisions of the window did not take, all of them or one.
async fn rejections(
    session: &mut Session,
    filter: &DecisionFilter,
    window: &Window,
    choice: Option<&str>,
) -> sqlx::Result<Vec<UseRow>> {
    let postgres = session.is_postgres();
    let mut sql = Sql::new(
        "select d.trace_id, d.decision_id, a.option as what, a.choice, d.intent, d.quality_gate_passed, t.scaled_score",
    );
    sql.push(FROM);
    sql.push(" join alternatives a on a.trace_id = d.trace_id and a.decision_id = d.decision_id");
    filter.push(&mut sql);
    window.push_condition(&mut sql, postgres);
    if let Some(choice) = choice {
        sql.push(" and a.choice = ").arg(choice);
    }
    sql.push(" order by d.row_id desc, a.position");
    session.fetch(sql).await
}

/// Whether a text names these words, one directly after the other.
fn lists(what: &str, names: &[String]) -> bool {
    !names.is_empty() && words(what).windows(names.len()).any(|window| window == names)
}
