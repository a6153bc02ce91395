//! What may still hold a text that was deleted or redacted: freed pages of the database, its log, journals of running
//! processes.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::recorder::Recorder;
use crate::store::journal;

/// How long a running process is waited for that has the text in its journal: it lets go of it within a second or
/// two when it is idle.
const PATIENCE: Duration = Duration::from_secs(5);

/// Brings over what processes left that have ended, so that nothing waits in a journal that is about to be deleted
/// or redacted.
pub async fn gather(recorder: &Recorder) {
    recorder.look_after().await;
    // What cannot be brought over now shows as left behind.
    let _ = tokio::time::timeout(Duration::from_secs(20), recorder.settled()).await;
}

/// Gives the space of what was deleted back, and says in sentences what may still hold one of these texts;
/// journals are looked through only where there are any.
///
/// # Errors
/// [`Error::Unavailable`] when the database is away or its disk is full.
pub async fn clear(recorder: &Recorder, texts: &[String]) -> Result<Vec<String>> {
    let mut left = Vec::new();
    if !recorder.stores().index.compact().await? {
        left.push(
            "somebody is reading the database, so its log could not be emptied; compact it again later"
                .to_owned(),
        );
    }
    if !texts.is_empty() {
        left.extend(in_journals(recorder, texts).await?);
    }
    Ok(left)
}

async fn in_journals(recorder: &Recorder, texts: &[String]) -> Result<Vec<String>> {
    let folder = recorder.options().home.join("journal");
    let unavailable = |reason: String| Error::Unavailable { what: "the journal", reason };
    let begun = tokio::time::Instant::now();
    loop {
        let (folder, texts) = (folder.clone(), texts.to_vec());
        let look = move || if folder.exists() { journal::holding(&folder, &texts) } else { Ok(Vec::new()) };
        let held = tokio::task::spawn_blocking(look).await.map_err(|error| unavailable(error.to_string()))?;
        let files = match held {
            Ok(files) => files,
            Err(error) => {
                return Ok(vec![format!("the journals cannot be looked through ({error})")]);
            }
        };
        if files.is_empty() {
            return Ok(Vec::new());
        }
        if begun.elapsed() >= PATIENCE {
            let named = files.iter().map(|path| {
                format!("{}: the process that writes it lets go of it within two minutes", path.display())
            });
            return Ok(named.collect());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
