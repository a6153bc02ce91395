//! What one run alone decided at a stretch, so that seven turns more of a loop are told as one line and not as seven.
//!
//! A stretch is three or more decisions in a row, in the order of one run, that the other did not make.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use super::Comparison;
use super::decisions::{ChangeKind, DecisionDifference};
use super::divergence::Compared;

/// So many decisions in a row are told together.
const LEAST: usize = 3;
/// The worth of what differs in words alone.
const IN_WORDS: u8 = 2;
/// Keys of a stretch that are named.
const NAMED: usize = 3;

/// Decisions in a row that one run alone made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Stretch {
    /// `only_a` or `only_b`.
    pub kind: ChangeKind,
    /// How many.
    pub count: usize,
    /// Decisions of its run before it.
    pub after: usize,
    /// Its stages and keys, with how often each: what was done before what was said, the most frequent first.
    pub decisions: Vec<(String, usize)>,
    /// Whether all are one action with the same inputs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub repeats: bool,
    /// Whether it is something said to somebody, rather than done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub words_only: bool,
    /// Its first decision, by its name in its run.
    pub first: String,
    /// Its last decision.
    pub last: String,
    /// Where it lies in the list of decisions.
    #[serde(skip)]
    places: Vec<usize>,
}

/// What a list of differences tells at one place.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'c> {
    /// One decision.
    Decision(&'c DecisionDifference),
    /// Many, of one run alone.
    Stretch(&'c Stretch),
}

impl Entry<'_> {
    /// Whether it differs; a decision made alike does where it broke in one run alone.
    #[must_use]
    pub fn differs(&self) -> bool {
        match self {
            Self::Decision(difference) => {
                difference.kind != ChangeKind::Same || difference.failed_in().is_some()
            }
            Self::Stretch(_) => true,
        }
    }

    /// What is done differently before what is only done otherwise, said otherwise, and alike.
    fn worth(&self) -> u8 {
        match self {
            Self::Stretch(stretch) if stretch.words_only => IN_WORDS,
            Self::Stretch(_) => 0,
            Self::Decision(difference) if difference.is_of_action() || difference.failed_in().is_some() => 0,
            Self::Decision(difference) if difference.words_only => IN_WORDS,
            Self::Decision(_) if self.differs() => 1,
            Self::Decision(_) => 3,
        }
    }
}

impl Comparison {
    /// What differs, in the order of its worth and then of time. What differs in words alone is told only where nothing
    /// else does, or with what was decided alike, where that is asked for.
    #[must_use]
    pub fn told(&self, with_same: bool) -> Vec<Entry<'_>> {
        let mut entries: Vec<Entry<'_>> =
            self.entries().filter(|entry| with_same || entry.differs()).collect();
        entries.sort_by_key(Entry::worth);
        if !with_same && entries.first().is_some_and(|first| first.worth() < IN_WORDS) {
            entries.retain(|entry| entry.worth() < IN_WORDS);
        }
        entries
    }

    /// Every decision of both runs, those of a stretch together where its first would stand.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut owner: Vec<Option<(&Stretch, bool)>> = vec![None; self.decisions.len()];
        for stretch in &self.stretches {
            for (nth, place) in stretch.places.iter().enumerate() {
                if let Some(owner) = owner.get_mut(*place) {
                    *owner = Some((stretch, nth == 0));
                }
            }
        }
        self.decisions.iter().zip(owner).filter_map(|(decision, owner)| match owner {
            None => Some(Entry::Decision(decision)),
            Some((stretch, true)) => Some(Entry::Stretch(stretch)),
            Some((_, false)) => None,
        })
    }

    /// What one run alone decided at a stretch.
    #[must_use]
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }
}

impl Stretch {
    /// What it is, in a sentence in which run a and run b go by these names: `b alone, after its decision 12: 7 times
    /// lookup / search, the same each time`.
    #[must_use]
    pub fn told(&self, [a, b]: [&str; 2]) -> String {
        let run = if self.kind == ChangeKind::OnlyA { a } else { b };
        let place = match self.after {
            0 => "at the beginning".to_owned(),
            after => format!("after its decision {after}"),
        };
        let what = match self.decisions.as_slice() {
            [(only, count)] => {
                let same = if self.repeats { ", the same each time" } else { "" };
                format!("{count} times {only}{same}")
            }
            several => {
                let named: Vec<String> =
                    several.iter().take(NAMED).map(|(name, count)| format!("{name} {count}")).collect();
                let more = several.len().saturating_sub(NAMED);
                let more = if more > 0 { format!(", {more} more kinds") } else { String::new() };
                format!("{} decisions ({}{more})", self.count, named.join(", "))
            }
        };
        format!("{run} alone, {place}: {what}")
    }
}

/// The stretches of both runs.
pub(super) fn stretches(compared: &[Compared<'_>]) -> Vec<Stretch> {
    let mut all = Vec::new();
    for kind in [ChangeKind::OnlyA, ChangeKind::OnlyB] {
        let side = |index: usize, compared: &Compared<'_>| {
            let placed = if kind == ChangeKind::OnlyA { compared.0.a } else { compared.0.b };
            Some((placed?.place, index))
        };
        let mut run: Vec<(usize, usize)> =
            compared.iter().enumerate().filter_map(|(index, compared)| side(index, compared)).collect();
        run.sort_unstable();
        let is_alone =
            |index: usize| compared.get(index).is_some_and(|(_, difference)| difference.kind == kind);
        let mut from = 0;
        while from < run.len() {
            let length = run.iter().skip(from).take_while(|(_, index)| is_alone(*index)).count();
            if length >= LEAST {
                let places = run.get(from..from + length).unwrap_or_default();
                all.extend(stretch(kind, from, places, compared));
            }
            from += length.max(1);
        }
    }
    all
}

fn stretch(
    kind: ChangeKind,
    after: usize,
    places: &[(usize, usize)],
    compared: &[Compared<'_>],
) -> Option<Stretch> {
    let mut keys: IndexMap<(bool, &str, &str), usize> = IndexMap::new();
    let mut actions: Vec<(String, String)> = Vec::new();
    let members: Vec<&Compared<'_>> = places.iter().filter_map(|(_, index)| compared.get(*index)).collect();
    for (aligned, difference) in &members {
        *keys.entry((difference.words_only, &difference.stage, &difference.decision)).or_default() += 1;
        let placed = aligned.a.or(aligned.b)?;
        actions.push((difference.decision.clone(), super::sameness::action(placed.decision)));
    }
    keys.sort_by(|(is_said, ..), count, (is_other_said, ..), other| {
        is_said.cmp(is_other_said).then(other.cmp(count))
    });
    let decisions = keys.into_iter().map(|((_, stage, key), count)| (format!("{stage} / {key}"), count));
    let id = |member: Option<&&Compared<'_>>| {
        let (aligned, _) = member?;
        Some(aligned.a.or(aligned.b)?.decision.decision_id.to_string())
    };
    Some(Stretch {
        kind,
        count: members.len(),
        after,
        decisions: decisions.collect(),
        repeats: actions.windows(2).all(|pair| matches!(pair, [one, next] if one == next)),
        words_only: members.iter().all(|(_, difference)| difference.words_only),
        first: id(members.first())?,
        last: id(members.last())?,
        places: places.iter().map(|(_, index)| *index).collect(),
    })
}
