//! Starting again where another writer came first, a bounded number of times.

use std::time::Duration;

use crate::error::{Error, Result};

/// After so many vain tries something else is wrong than that others write too.
const MOST: u32 = 16;

/// The longest pause; the first is a few milliseconds.
const LONGEST: Duration = Duration::from_millis(400);

/// The tries of one writer.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: u32,
}

impl Turns {
    /// Waits a little, and a different time than others who were overtaken in the same moment.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it was tried too often.
    pub(super) async fn another(&mut self) -> Result<()> {
        if self.taken >= MOST {
            let reason = "others write the same place all the time".to_owned();
            return Err(Error::Unavailable { what: super::remote::WHAT, reason });
        }
        let most = (Duration::from_millis(8) * 2_u32.pow(self.taken)).min(LONGEST);
        self.taken += 1;
        tokio::time::sleep(most.mul_f64(share())).await;
        Ok(())
    }
}

/// A number of 0 to 1 by chance.
fn share() -> f64 {
    let mut byte = [u8::MAX];
    // Without entropy everybody waits the full time.
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / f64::from(u8::MAX)
}
