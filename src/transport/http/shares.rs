//! How much of the server one caller may hold at once, so that it cannot hold all of it.
//!
//! What is remembered of a caller goes with the last thing that it holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::caller::Caller;

/// Bounded amounts of one thing, by who holds them.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    /// The most that one caller may hold.
    most: usize,
    held: Arc<Mutex<HashMap<Caller, usize>>>,
}

/// What a caller holds until this is dropped; nothing, where it shares with nobody.
#[derive(Debug, Default)]
pub(super) struct Share {
    of: Option<(Shares, Caller)>,
    amount: usize,
}

impl Shares {
    pub(super) fn of_at_most(most: usize) -> Self {
        Self { most, held: Arc::default() }
    }

    /// The most that one caller may hold.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// A share that holds nothing yet. `None` is somebody who has the server to themselves.
    pub(super) fn share(&self, caller: Option<&Caller>) -> Share {
        Share { of: caller.map(|caller| (self.clone(), caller.clone())), amount: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Caller, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Adds to it; says whether the caller may hold that much.
    pub(super) fn grow(&mut self, more: usize) -> bool {
        let Some((shares, caller)) = &self.of else { return true };
        let mut held = shares.lock();
        let already = held.get(caller).copied().unwrap_or(0);
        let fits = already.saturating_add(more) <= shares.most;
        if fits {
            held.insert(caller.clone(), already + more);
            self.amount += more;
        }
        fits
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((shares, caller)) = &self.of else { return };
        let mut held = shares.lock();
        let left = held.get(caller).copied().unwrap_or(0).saturating_sub(self.amount);
        if left == 0 {
            held.remove(caller);
        } else {
            held.insert(caller.clone(), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_holds_as_much_as_it_may_and_others_as_much_again() {
        let shares = Shares::of_at_most(3);
        let (one, two) = (Caller::Token("tok_1".to_owned()), Caller::Token("tok_2".to_owned()));
        let (mut a, mut b, mut of_two) =
            (shares.share(Some(&one)), shares.share(Some(&one)), shares.share(Some(&two)));
        assert!(a.grow(1) && b.grow(1) && a.grow(1), "three in all");
        assert!(!b.grow(1) && !a.grow(1));
        assert!(of_two.grow(3) && !of_two.grow(1));
        drop(a);
        assert!(b.grow(2) && !b.grow(1));
        drop((b, of_two));
        assert!(shares.lock().is_empty(), "nothing is remembered of who holds nothing");
    }

    #[test]
    fn who_has_the_server_to_themselves_is_not_counted() {
        let shares = Shares::of_at_most(1);
        assert!(shares.share(None).grow(100));
    }
}
