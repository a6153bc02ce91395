//! What every recording tool says of a write: where it is, and what to know of it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::recorder::{Ack, SaveState, Saved};

/// Said where recording is switched off, in place of everything else.
const OFF: &str = "Recording is switched off in this server's configuration (WHYTRACE_ENABLED for everything, \
                   WHYTRACE_DISABLED_PROJECTS for this run's project): nothing was recorded. Go on with your run; \
                   later calls for it do nothing either.";

/// The part of an answer that all writes have.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(description = "")]
pub(super) struct Receipt {
    pub trace_id: String,
    /// false: recording is switched off, nothing was done
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<SavedIn>,
    /// Recorded before with the same content
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<bool>,
    /// The run had ended
    #[serde(skip_serializing_if = "Option::is_none")]
    late: Option<bool>,
    /// The run could not be looked up yet
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified: Option<bool>,
    /// Secrets taken out
    #[serde(skip_serializing_if = "Option::is_none")]
    redactions: Option<i64>,
}

/// Where a record is: `saved`, `pending` (it follows by itself) or `failed`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(description = "Each saved, pending (follows by itself) or failed")]
struct SavedIn {
    journal: &'static str,
    database: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'static str>,
}

impl Receipt {
    pub(super) fn of(ack: &Ack) -> Self {
        let if_so = |so: bool| so.then_some(true);
        Self {
            trace_id: ack.trace_id.to_string(),
            recorded: ack.saved.is_none().then_some(false),
            saved: ack.saved.map(|saved| SavedIn {
                journal: word(saved.journal),
                database: word(saved.database),
                document: saved.document.map(word),
            }),
            duplicate: if_so(ack.is_duplicate()),
            // What is repeated comes late by its nature.
            late: if_so(ack.late && !ack.is_duplicate()),
            unverified: if_so(ack.unverified),
            redactions: (ack.redactions > 0).then_some(ack.redactions.into()),
        }
    }

    /// The same for what has no time to be late for.
    pub(super) fn timely(self) -> Self {
        Self { late: None, ..self }
    }
}

/// The whole answer where recording is switched off.
pub(super) fn off(ack: &Ack) -> Option<Vec<String>> {
    ack.saved.is_none().then(|| vec![OFF.to_owned()])
}

/// The sentences about a write: where it is, then what is out of the ordinary.
pub(super) fn sentences(ack: &Ack) -> Vec<String> {
    let Some(saved) = ack.saved else { return vec![OFF.to_owned()] };
    let mut sentences = vec![whereabouts(saved)];
    if saved.document == Some(SaveState::Pending) {
        sentences.push("The run's document is not written yet; it follows by itself.".to_owned());
    }
    if ack.unverified {
        sentences.push(
            "The run could not be looked up, because the database is away: it is taken on trust until then."
                .to_owned(),
        );
    }
    if ack.redactions > 0 {
        let secrets = if ack.redactions == 1 { "secret was" } else { "secrets were" };
        sentences.push(format!("{} {secrets} taken out before saving.", ack.redactions));
    }
    sentences
}

fn whereabouts(saved: Saved) -> String {
    let text = match (saved.journal, saved.database) {
        (SaveState::Saved, SaveState::Saved) => "Saved in journal and database.",
        (SaveState::Saved, SaveState::Pending | SaveState::Failed) => {
            "Saved in the journal on this machine; the database does not have it yet and gets it by itself, until then \
             other processes do not see it and statistics leave it out."
        }
        (SaveState::Pending, SaveState::Saved) => "Saved in the database; the journal was slow.",
        (SaveState::Failed, SaveState::Saved) => "Saved in the database; the journal could not be written.",
        // Not acknowledged by the recorder; said all the same, should that ever change.
        (SaveState::Pending | SaveState::Failed, _) => "Not on disk yet: retry with the same id.",
    };
    text.to_owned()
}

fn word(state: SaveState) -> &'static str {
    match state {
        SaveState::Saved => "saved",
        SaveState::Pending => "pending",
        SaveState::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(journal: SaveState, database: SaveState) -> Ack {
        let mut ack = Ack::off("t1".parse().unwrap());
        ack.saved = Some(Saved { journal, database, document: None });
        ack
    }

    #[test]
    fn a_pending_database_is_explained_in_one_sentence() {
        let ack = ack(SaveState::Saved, SaveState::Pending);
        let sentences = sentences(&ack);
        assert_eq!(sentences.len(), 1);
        assert!(sentences[0].contains("the database does not have it yet and gets it by itself"));
        let data = serde_json::to_value(Receipt::of(&ack)).unwrap();
        let expected = r#"{"trace_id":"t1","saved":{"journal":"saved","database":"pending"}}"#;
        assert_eq!(data.to_string(), expected);
    }

    #[test]
    fn what_is_out_of_the_ordinary_is_said_and_nothing_else() {
        let mut ack = ack(SaveState::Saved, SaveState::Saved);
        assert_eq!(sentences(&ack), ["Saved in journal and database."]);
        (ack.redactions, ack.unverified, ack.late) = (2, true, true);
        assert_eq!(sentences(&ack).len(), 3);
        let data = serde_json::to_value(Receipt::of(&ack)).unwrap();
        assert_eq!((&data["redactions"], &data["late"]), (&2.into(), &true.into()));
    }
}
