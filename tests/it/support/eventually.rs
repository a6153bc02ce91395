//! Waiting for what follows by itself, with an end.

use std::time::Duration;

/// Asks again and again until the answer is yes.
///
/// # Panics
/// When it is not within 30 seconds.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asking = async {
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        loop {
            pause.tick().await;
            if holds().await {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), asking).await.is_ok(), "in vain: {what}");
}
