//! One look at a store at a time, which nobody waits for long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long a look at a store is waited for. Whoever asks has a bound too, often of a second.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a look found, or what everybody may know of why it found nothing.
pub(super) type Seen<T> = Result<T, &'static str>;

/// Looks at one store, of which the last one is remembered and no two happen at once.
#[derive(Clone, Debug)]
pub(super) struct Look<T> {
    what: &'static str,
    patience: Duration,
    inner: Arc<Mutex<Looked<T>>>,
}

#[derive(Debug)]
struct Looked<T> {
    /// What was found last, and when by [`Clock::elapsed`](crate::model::Clock::elapsed).
    last: Option<(Duration, Seen<T>)>,
    /// When the look began that is under way, and who hears of its end.
    under_way: Option<(Instant, watch::Receiver<()>)>,
    /// Whether the log says that the store is away.
    is_said_away: bool,
}

impl<T: Clone + Send + 'static> Look<T> {
    pub(super) fn at(what: &'static str) -> Self {
        let nothing = Looked { last: None, under_way: None, is_said_away: false };
        Self { what, patience: PATIENCE, inner: Arc::new(Mutex::new(nothing)) }
    }

    /// What was seen within this time, or what `look` finds now.
    pub(super) async fn fresh(
        &self,
        now: Duration,
        holds: Duration,
        look: impl Future<Output = Result<T, String>> + Send + 'static,
    ) -> Seen<T> {
        let (began, mut ended) = {
            let mut looked = self.lock();
            if let Some((at, seen)) = &looked.last
                && looked.under_way.is_none()
                && now < *at + holds
            {
                return seen.clone();
            }
            looked.under_way.get_or_insert_with(|| self.begin(now, look)).clone()
        };
        // An error says that the look is over, as a change would.
        let _ = tokio::time::timeout_at(began + self.patience, ended.changed()).await;
        let mut looked = self.lock();
        if looked.under_way.is_some() {
            self.log(&mut looked, Some("no answer in time"));
            return Err("it does not answer in time");
        }
        looked.last.as_ref().map_or(Err("it could not be looked at"), |(_, seen)| seen.clone())
    }

    fn begin(
        &self,
        now: Duration,
        look: impl Future<Output = Result<T, String>> + Send + 'static,
    ) -> (Instant, watch::Receiver<()>) {
        let (end, ended) = watch::channel(());
        let this = self.clone();
        tokio::spawn(async move {
            // Its own task, so that a panic of it is an answer like any other.
            let found = tokio::spawn(look).await.unwrap_or_else(|error| Err(error.to_string()));
            let mut looked = this.lock();
            this.log(&mut looked, found.as_ref().err().map(String::as_str));
            let seen =
                found.map_err(|_| "it is not reached or refuses what it is asked; the server's log says why");
            looked.last = Some((now, seen));
            looked.under_way = None;
            drop(end);
        });
        (Instant::now(), ended)
    }

    /// Says in the log that the store went away or came back, where that is not said yet.
    fn log(&self, looked: &mut Looked<T>, away: Option<&str>) {
        let Self { what, .. } = self;
        match away {
            Some(reason) if !looked.is_said_away => tracing::warn!("{what} is away: {reason}"),
            None if looked.is_said_away => tracing::info!("{what} is back"),
            _ => {}
        }
        looked.is_said_away = away.is_some();
    }

    fn lock(&self) -> MutexGuard<'_, Looked<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLDS: Duration = Duration::from_secs(5);

    fn later(seconds: u64) -> Duration {
        Duration::from_secs(1_000 + seconds)
    }

    #[tokio::test]
    async fn what_was_seen_holds_for_a_while_and_is_then_looked_at_again() {
        let look = Look::at("the store");
        assert_eq!(look.fresh(later(0), HOLDS, async { Ok(1) }).await, Ok(1));
        assert_eq!(look.fresh(later(4), HOLDS, async { Ok(2) }).await, Ok(1), "nobody looked");
        assert_eq!(look.fresh(later(5), HOLDS, async { Ok(3) }).await, Ok(3));
        let refused = look.fresh(later(10), HOLDS, async { Err("postgres://u:hunter2@db".to_owned()) }).await;
        assert!(refused.is_err_and(|told| !told.contains("hunter2")));
        assert_eq!(look.fresh(later(15), HOLDS, async { Ok(4) }).await, Ok(4));
    }

    #[tokio::test]
    async fn a_store_that_hangs_is_asked_once_and_told_to_be_away() {
        let look = Look { patience: Duration::ZERO, ..Look::at("the store") };
        let (answer, answers) = tokio::sync::oneshot::channel();
        let hanging = async { answers.await.map_err(|_| "it was given up".to_owned()) };
        assert!(look.fresh(later(0), HOLDS, hanging).await.is_err());
        for _ in 0..3 {
            let again = async { panic!("it was asked again") };
            assert!(look.fresh(later(60), HOLDS, again).await.is_err());
        }
        answer.send(1).unwrap();
        while look.lock().under_way.is_some() {
            tokio::task::yield_now().await;
        }
        assert_eq!(look.fresh(later(1), HOLDS, async { Ok(2) }).await, Ok(1), "its answer counts");
    }

    #[tokio::test]
    async fn a_look_that_panics_is_an_answer() {
        let look = Look::<()>::at("the store");
        assert!(look.fresh(later(0), HOLDS, async { panic!("a fault") }).await.is_err());
        assert_eq!(look.fresh(later(5), HOLDS, async { Ok(()) }).await, Ok(()));
    }
}
