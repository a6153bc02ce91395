//! Decisions of all runs: found by what they say, and which option each of them chose or rejected.
//!
//! A frequent word is in a million decisions, and none of these questions reads them all. Each looks at a window: the
//! newest rows that the words narrow it to (text, project, key and intent have words), by the number of the row, so
//! that both databases read them in order and stop. All other conditions, the ranking and the counting are about
//! the rows in the window, and what lies below it can be asked for next.
//!
//! Start at [`hits`]; [`options`] counts what was chosen and rejected, and [`overview`] says what there is to ask about.

mod filter;
mod hits;
mod options;
mod overview;
mod window;

pub use filter::DecisionFilter;
pub use hits::{DecisionCursor, DecisionHit, DecisionPage};
pub use options::{OptionUse, OptionUses};
pub use overview::DecisionOverview;

/// How many matches a search looks at. Measured with 1.4 million decisions, for a word that is in most of them: 6 ms
/// on SQLite for 2,000, and 20 ms for 5,000.
pub const SEARCH_WINDOW: u32 = 2_000;

/// How many matches the record of an option is counted over.
pub const RECORD_WINDOW: u32 = 2_000;

/// How many decisions are looked at for what was chosen most often: with all that they rejected, these are some times as
/// many rows.
pub const CHOICES_WINDOW: u32 = 1_000;

/// What all questions read from.
const FROM: &str = " from decisions d join traces t on t.trace_id = d.trace_id";
