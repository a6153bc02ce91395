//! The flags of many runs at once, as they would have been had each been checked when it ended.
//!
//! The runs around them pass by once, in the order of their ends, and what they have to be held against is kept in
//! memory ([`Past`]): the work grows with the number of runs, not with its square. What is kept is some figures of
//! each run within the longest window; see [`Past`].

use std::collections::{HashMap, HashSet};

use super::baseline::verdict_until;
use super::{is_calibrated, lock, read_flags, write_flag};
use crate::calibration::confidence::{ConfidenceWindow, PastConfidence, check_confidence};
use crate::calibration::{CalibrationRules, Finding, Flag, FlagKey, Past, Resolutions, Windows, check};
use crate::error::{Error, Result};
use crate::model::{QualityRules, Timestamp, Trace, TraceId, fold};
use crate::statistics::RunFacts;
use crate::statistics::confidence::RunConfidence;
use crate::store::index::sums::confidence::{self, Stated};
use crate::store::index::{Index, Scope};
use crate::store::sql::Sql;

/// How many runs are read at a time.
const PAGE: u32 = 5_000;

/// How often flags are built that somebody changes meanwhile.
const TRIES: u32 = 10;

/// Beyond so many projects, runs are not sought project by project.
const FEW_PROJECTS: usize = 100;

/// A run that was ended for good, as against being closed because nothing was heard of it: only such runs are checked.
#[derive(Clone, Debug)]
pub struct Ended {
    trace_id: TraceId,
    project: String,
    at: Timestamp,
    /// Kind and subject of what a check at that time has noted on it; `None` where there was none, or where others
    /// count by now.
    noted: Option<Box<[(String, String)]>>,
}

impl Ended {
    /// The run of a document, as if it ended among the runs that are there now.
    #[must_use]
    pub fn anew(trace: &Trace, rules: &QualityRules) -> Option<Self> {
        if !fold::has_finish(trace) {
            return None;
        }
        let at = RunFacts::of(trace, rules).ended_at()?;
        Some(Self { trace_id: trace.trace_id.clone(), project: trace.project.clone(), at, noted: None })
    }

    /// The run of a document that was checked when it ended, if it was: what it found then is what it can find.
    #[must_use]
    pub fn again(trace: &Trace, rules: &QualityRules) -> Option<Self> {
        let ended = Self::anew(trace, rules)?;
        if !is_calibrated(trace).unwrap_or(false) {
            return Some(ended);
        }
        let notes = trace.calibration.flags.iter().map(|note| (note.kind.clone(), note.subject.clone()));
        Some(Self { noted: Some(notes.collect()), ..ended })
    }

    fn may_find(&self, finding: &Finding) -> bool {
        let is_it =
            |(kind, subject): &(String, String)| kind == finding.kind.as_str() && *subject == finding.subject;
        self.noted.as_ref().is_none_or(|notes| notes.iter().any(is_it))
    }
}

/// How far the building of flags has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checking {
    /// Runs that were checked just now.
    pub checked: u64,
}

/// Flags as they were, and as they are once the runs have been checked.
type Changes = HashMap<FlagKey, (Option<Flag>, Flag)>;

impl Index {
    /// Builds the flags that runs would have fired, in the order in which they ended, without announcing any. For
    /// runs that came as documents and are in the index by now. `tick` is told what was checked; when flags were
    /// changed by others meanwhile it is checked, and told, again.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn rebuild_flags(&self, runs: &[Ended], mut tick: impl FnMut(Checking)) -> Result<()> {
        let mut keys: Option<HashSet<FlagKey>> = None;
        for _ in 0..TRIES {
            let changes = self.replayed(runs, keys.as_ref(), &mut tick).await?;
            let overtaken = self.replace_flags(changes).await?;
            if overtaken.is_empty() {
                return Ok(());
            }
            keys = Some(overtaken);
        }
        Err(Error::Unavailable {
            what: "the database",
            reason: "flags change faster than they can be built".to_owned(),
        })
    }

    /// What the runs change of the flags, or of those that are named.
    async fn replayed(
        &self,
        runs: &[Ended],
        keys: Option<&HashSet<FlagKey>>,
        tick: &mut impl FnMut(Checking),
    ) -> Result<Changes> {
        let (Some(first), Some(last)) =
            (runs.iter().map(|run| run.at).min(), runs.iter().map(|run| (run.at, &run.trace_id)).max())
        else {
            return Ok(Changes::new());
        };
        let rules = self.calibration;
        let projects: HashSet<&str> = runs.iter().map(|run| run.project.as_str()).collect();
        let begins = Past::begins(first, &rules);
        let mut past = Past::new(rules);
        for project in &projects {
            if let Some(previous) =
                self.read(async |session| verdict_until(session, project, begins).await).await?
            {
                past.remember_verdict(project, previous);
            }
        }
        let mut replay = Replay::new(past, runs, self.flags(&Scope::All).await?, rules);
        let scope = match rules.flag_scope {
            crate::calibration::FlagScope::Project if projects.len() <= FEW_PROJECTS => {
                Scope::Projects(projects.into_iter().map(str::to_owned).collect())
            }
            _ => Scope::All,
        };
        let mut from = (begins, String::new());
        loop {
            let page = self.ended_after((from.0, &from.1), (last.0, last.1.as_str()), &scope, PAGE).await?;
            let Some(latest) = page.last() else { break };
            let until = (latest.ended_at().unwrap_or(from.0), latest.trace_id.as_str().to_owned());
            let within = |sql: &mut Sql| between(sql, &from, &until, &scope);
            let stated = self.read(async |session| confidence::stated_by(session, within).await).await?;
            let nothing = RunConfidence::default();
            let confidence =
                |run: &RunFacts| stated.get(run.trace_id.as_str()).map_or(&nothing, Stated::confidence);
            let checked = page.iter().map(|run| u64::from(replay.take(run, confidence(run), keys))).sum();
            from = until;
            tick(Checking { checked });
        }
        Ok(replay.changes)
    }

    /// Puts flags in the place of what they were; gives those that others have changed since, which stay.
    async fn replace_flags(&self, changes: Changes) -> Result<HashSet<FlagKey>> {
        if changes.is_empty() {
            return Ok(HashSet::new());
        }
        let flag_scope = self.calibration.flag_scope;
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    lock(session, changes.keys().map(|key| key.project.as_str()), flag_scope).await?;
                    let flags = read_flags(session, &Scope::All).await?;
                    let now: HashMap<FlagKey, Flag> =
                        flags.into_iter().map(|flag| (flag.key(), flag)).collect();
                    let mut overtaken = HashSet::new();
                    for (key, (before, after)) in changes {
                        if now.get(&key) == before.as_ref() {
                            write_flag(session, &after).await?;
                        } else {
                            overtaken.insert(key);
                        }
                    }
                    Ok(overtaken)
                })
            })
            .await
    }
}

/// Appends that runs ended behind one end and id, up to and with another.
fn between(sql: &mut Sql, from: &(Timestamp, String), until: &(Timestamp, String), scope: &Scope) {
    sql.push(" and (t.ended_at, t.trace_id) > (").arg(from.0).push(", ").arg(&from.1);
    sql.push(") and (t.ended_at, t.trace_id) <= (").arg(until.0).push(", ").arg(&until.1).push(")");
    if let Scope::Projects(projects) = scope {
        sql.push(" and t.project in ").list(projects.iter().map(String::as_str));
    }
}

/// Checks as they would have been made.
struct Replay<'r> {
    past: Past,
    past_confidence: PastConfidence,
    to_check: HashMap<&'r TraceId, &'r Ended>,
    known: HashMap<FlagKey, Flag>,
    resolutions: Resolutions,
    rules: CalibrationRules,
    changes: Changes,
}

impl<'r> Replay<'r> {
    fn new(past: Past, runs: &'r [Ended], known: Vec<Flag>, rules: CalibrationRules) -> Self {
        Self {
            past,
            past_confidence: PastConfidence::new(rules),
            to_check: runs.iter().map(|run| (&run.trace_id, run)).collect(),
            resolutions: Resolutions::of(&known),
            known: known.into_iter().map(|flag| (flag.key(), flag)).collect(),
            rules,
            changes: Changes::new(),
        }
    }

    /// Takes in the run that ended next; says whether it was checked.
    fn take(&mut self, run: &RunFacts, confidence: &RunConfidence, keys: Option<&HashSet<FlagKey>>) -> bool {
        let ended = self.to_check.get(&run.trace_id).copied();
        if let Some(ended) = ended {
            self.check(run, confidence, ended, keys);
        }
        self.past.add(run);
        self.past_confidence.add(run, confidence);
        ended.is_some()
    }

    fn check(
        &mut self,
        run: &RunFacts,
        confidence: &RunConfidence,
        ended: &Ended,
        keys: Option<&HashSet<FlagKey>>,
    ) {
        let Some((at, windows)) = run.ended_at().zip(Windows::of(run, &self.resolutions, &self.rules)) else {
            return;
        };
        let mut findings = check(run, &self.past.baseline(run, &windows), &self.rules);
        if let Some(window) = ConfidenceWindow::of(run, confidence, &self.resolutions, &self.rules) {
            let said = self.past_confidence.said(confidence, &window);
            findings.extend(check_confidence(run, confidence, &said, &self.rules));
        }
        for finding in findings {
            let key = finding.key();
            if !ended.may_find(&finding) || keys.is_some_and(|keys| !keys.contains(&key)) {
                continue;
            }
            let (before, now) = match self.changes.remove(&key) {
                Some((before, now)) => (before, Some(now)),
                None => (self.known.get(&key).cloned(), self.known.get(&key).cloned()),
            };
            let (flag, _) = Flag::observe(now, &finding, at, at, &self.rules);
            self.changes.insert(key, (before, flag));
        }
    }
}

#[cfg(test)]
mod tests;
