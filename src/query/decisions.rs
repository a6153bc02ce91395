//! Decisions of all runs: what they say, and what became of the options before them.

use indexmap::IndexMap;

use super::Query;
use crate::error::Result;
use crate::statistics::{OptionRecord, Use};
use crate::store::index::{
    CHOICES_WINDOW, DecisionCursor, DecisionFilter, DecisionOverview, DecisionPage, OptionUse, RECORD_WINDOW,
    Scope,
};

/// Keys and stages that are named where nothing was found.
const VALUES: u32 = 8;

/// Decisions that were found.
#[derive(Clone, Debug, Default)]
pub struct FoundDecisions {
    /// A page of them.
    pub page: DecisionPage,
    /// Events that are recorded but not in these figures yet.
    pub pending: usize,
    /// Decisions that cannot be searched before `whytrace reindex`.
    pub unsearchable: u64,
    /// Only when nothing was found: what there is without the filter.
    pub without_filter: Option<DecisionOverview>,
}

/// An option, or what was chosen, with its record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnownOption {
    /// As it was asked for, or as it was last said.
    pub option: String,
    /// What became of it.
    pub record: OptionRecord,
}

/// Options with their records, and how far was looked.
#[derive(Clone, Debug, Default)]
pub struct KnownOptions {
    /// The options.
    pub options: Vec<KnownOption>,
    /// How many more there are.
    pub more: usize,
    /// How many decisions were looked at.
    pub looked_at: u64,
    /// Whether there are older ones.
    pub is_partial: bool,
    /// Events that are recorded but not in these figures yet.
    pub pending: usize,
    /// Decisions that are not counted before `whytrace reindex`.
    pub unsearchable: u64,
}

impl Query {
    /// Finds decisions.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn search_decisions(
        &self,
        filter: &DecisionFilter,
        limit: u32,
        cursor: Option<&DecisionCursor>,
    ) -> Result<FoundDecisions> {
        let page = self.stores.index.search_decisions(filter, limit, cursor).await?;
        let is_empty = page.hits.is_empty() && !page.is_partial && cursor.is_none();
        let without_filter = if is_empty {
            Some(self.stores.index.decision_overview(&filter.scope, VALUES).await?)
        } else {
            None
        };
        Ok(FoundDecisions {
            without_filter,
            page,
            pending: self.pending_in(&filter.scope),
            unsearchable: self.unsearchable(&filter.scope).await?,
        })
    }

    /// The record of an option among the decisions that meet the filter.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn option_record(&self, filter: &DecisionFilter, option: &str) -> Result<KnownOptions> {
        let found = self.stores.index.option_uses(filter, option, RECORD_WINDOW).await?;
        let record = OptionRecord::of(found.uses.iter().map(as_use));
        Ok(KnownOptions {
            options: vec![KnownOption { option: option.to_owned(), record }],
            more: 0,
            looked_at: found.looked_at,
            is_partial: found.is_partial,
            pending: self.pending_in(&filter.scope),
            unsearchable: self.unsearchable(&filter.scope).await?,
        })
    }

    /// What was chosen most often among the decisions that meet the filter, at most `most`, with the records.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn frequent_choices(&self, filter: &DecisionFilter, most: usize) -> Result<KnownOptions> {
        let found = self.stores.index.choice_uses(filter, CHOICES_WINDOW).await?;
        let mut by_choice: IndexMap<&str, Vec<&OptionUse>> = IndexMap::new();
        for one in &found.uses {
            by_choice.entry(&one.choice).or_default().push(one);
        }
        let mut options: Vec<KnownOption> = by_choice
            .into_values()
            .filter_map(|uses| {
                let option = uses.iter().find(|one| one.chosen)?.said.clone();
                Some(KnownOption { option, record: OptionRecord::of(uses.into_iter().map(as_use)) })
            })
            .collect();
        options.sort_by(|a, b| {
            let decisions = |one: &KnownOption| one.record.chosen.decisions;
            decisions(b).cmp(&decisions(a)).then_with(|| a.option.cmp(&b.option))
        });
        let more = options.len().saturating_sub(most);
        options.truncate(most);
        Ok(KnownOptions {
            options,
            more,
            looked_at: found.looked_at,
            is_partial: found.is_partial,
            pending: self.pending_in(&filter.scope),
            unsearchable: self.unsearchable(&filter.scope).await?,
        })
    }

    async fn unsearchable(&self, scope: &Scope) -> Result<u64> {
        self.stores.index.unsearchable_decisions(scope).await
    }
}

fn as_use(one: &OptionUse) -> Use<'_> {
    Use {
        chosen: one.chosen,
        run: &one.trace_id,
        intent: one.intent.as_deref(),
        passed: one.passed,
        score: one.score,
    }
}
