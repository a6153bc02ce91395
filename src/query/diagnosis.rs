//! What went wrong in one run: the run, a comparable one and the habits of earlier ones are fetched here and put
//! before [`diagnose`].

use super::Query;
use crate::diagnose::{Diagnosis, Habits, diagnose, likeness, nearest};
use crate::error::{Error, Result};
use crate::model::Trace;
use crate::store::LoadedTrace;
use crate::store::index::{Comparable, Scope};

/// Comparable runs that are read whole, to choose the likest by what their decisions were based on.
const READ_WHOLE: usize = 3;

/// A run with what is suspected in it.
#[derive(Clone, Debug)]
pub struct Diagnosed {
    /// What is suspected.
    pub diagnosis: Diagnosis,
    /// The run as it was read.
    pub run: LoadedTrace,
    /// Why the run that it was compared with is comparable; `None` where there was none.
    pub basis: Option<Basis>,
    /// Why earlier runs could not be asked, if they could not.
    pub database_away: Option<String>,
}

/// Why a run is the measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Whoever asked named it.
    Named,
    /// It was asked the same.
    Query,
    /// It was asked with the same intent.
    Intent,
}

impl Query {
    /// Says what is suspected in a run. `against` names the run that it is compared with; without it that is the
    /// likest of those of the same project that went well and were asked the same, or else with the same intent.
    ///
    /// With the database away, habits and the comparison with a run that was not named are missing.
    ///
    /// # Errors
    /// As [`Query::trace`], for either run.
    pub async fn diagnose(&self, id: &str, against: Option<&str>, scope: &Scope) -> Result<Diagnosed> {
        let run = self.trace(id, scope).await?;
        let mut database_away = run.database_away.clone();
        let comparable = match against {
            Some(named) => Some((Basis::Named, self.trace(named, scope).await?.trace)),
            None => unless_away(self.comparable(&run.trace, scope).await, &mut database_away)?.flatten(),
        };
        let habits = unless_away(self.habits(&run.trace).await, &mut database_away)?;
        let good = comparable.as_ref().map(|(_, good)| good);
        let diagnosis = diagnose(&run.trace, good, &habits.unwrap_or_default());
        Ok(Diagnosed { diagnosis, run, basis: comparable.map(|(basis, _)| basis), database_away })
    }

    async fn habits(&self, run: &Trace) -> Result<Habits> {
        self.stores.index.habits(run).await
    }

    /// The likest of the comparable runs.
    async fn comparable(&self, run: &Trace, scope: &Scope) -> Result<Option<(Basis, Trace)>> {
        let Some((by, others)) = self.stores.index.comparable(run).await? else { return Ok(None) };
        let basis = match by {
            Comparable::Query => Basis::Query,
            Comparable::Intent => Basis::Intent,
        };
        let mut best: Option<(f64, Trace)> = None;
        for id in nearest(run, &others, READ_WHOLE) {
            let Ok(id) = id.parse() else { continue };
            // One whose document is lost or broken is no measure, and no reason to answer nothing.
            let other = match self.stores.load(&id, scope).await {
                Ok(Some(other)) => other.trace,
                Ok(None) | Err(Error::Corrupt { .. }) => continue,
                Err(error) => return Err(error),
            };
            let alike = likeness(run, &other);
            if best.as_ref().is_none_or(|(most, _)| alike > *most) {
                best = Some((alike, other));
            }
        }
        Ok(best.map(|(_, other)| (basis, other)))
    }
}

/// What the database said; nothing where it is away, which is noted.
fn unless_away<T>(asked: Result<T>, away: &mut Option<String>) -> Result<Option<T>> {
    match asked {
        Ok(said) => Ok(Some(said)),
        Err(Error::Unavailable { reason, .. }) => {
            away.get_or_insert(reason);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
