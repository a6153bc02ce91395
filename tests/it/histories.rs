//! Whole histories, recorded and asked about: what the answers say has to be what the documents say.
//!
//! [`plan`] thinks up some weeks of runs, [`recording`] has two processes record them, [`plain`] and [`watch`] work out
//! from the documents on disk what statistics and calibration flags have to say, by the simplest loops that the
//! definitions allow. [`figures`] and [`flags`] compare; [`laws`] says what must not matter; [`catching_up`] is
//! about a database that hears of things late, [`abandonment`] about runs that fall silent.

mod abandonment;
mod announcements;
mod catching_up;
mod figures;
mod flags;
mod laws;
mod plain;
mod plan;
mod recording;
mod watch;

/// Writes each promise as one test for each database.
macro_rules! on_both {
    ($($(#[$note:meta])* async fn $claim:ident($place:ident) $body:block)*) => {$(
        mod $claim {
            use super::*;

            $(#[$note])*
            async fn holds($place: $crate::support::pipeline::Place) $body

            #[tokio::test]
            async fn sqlite() {
                holds($crate::support::pipeline::Place::new(None)).await;
            }

            #[tokio::test]
            async fn postgres() {
                let Some(schema) = $crate::support::database::Schema::fresh() else { return };
                holds($crate::support::pipeline::Place::new(Some(&schema))).await;
            }
        }
    )*};
}
use on_both;
