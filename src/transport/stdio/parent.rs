//! Notices that the process which started this one is gone.
//!
//! Standard input normally ends with it. It does not when another process has inherited the pipe,
//! and then a server would stay for ever. The kernel's own death signal is tied to the thread
//! that spawned the child, not to its process, so the parent's id is polled instead.

use std::time::Duration;

const POLL: Duration = Duration::from_secs(2);

/// Returns when the parent process has ended; never on systems without parent ids.
#[cfg(unix)]
pub(super) async fn gone() {
    changed(rustix::process::getppid, POLL).await;
}

/// Returns when the parent process has ended; never on systems without parent ids.
#[cfg(not(unix))]
pub(super) async fn gone() {
    std::future::pending().await
}

#[cfg_attr(not(unix), expect(dead_code, reason = "only unix has parent ids to poll"))]
async fn changed<T: PartialEq>(mut probe: impl FnMut() -> T, every: Duration) {
    let first = probe();
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while probe() == first {
        ticks.tick().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_new_parent_id_ends_the_wait() {
        let mut ids = [7, 7, 7, 1].into_iter();
        changed(move || ids.next(), Duration::from_millis(1)).await;
    }
}
