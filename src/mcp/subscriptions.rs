//! Subscriptions: clients that hear of runs as they change.
//!
//! There are two ways to ask, by the version of the protocol: `resources/subscribe`, whose subscriptions live as long
//! as the connection, and `subscriptions/listen`, a request whose answer is a stream. Either way a client is told that
//! what lies at an address has changed, never how; it reads it then. A subscription ends with its run, and the end is
//! told. Start at [`Subscriptions`] for the first way and at [`listen`] for the second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::ErrorData;
use rmcp::model::SubscriptionFilter;
use rmcp::service::{Peer, RoleServer, SubscriptionContext};
use tokio_util::task::AbortOnDropHandle;

use super::resources::{self, TraceUri};
use super::tool::Context;
use crate::model::TraceId;
use crate::recorder::{Seen, TooManyWatched, Watch};
use crate::store::index::Scope;

/// The most addresses of one connection, and of one stream.
const MOST_ADDRESSES: usize = 100;

/// What the client of one connection has subscribed to. A clone serves another connection, and begins empty.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(Mutex<Option<Told>>);

/// What is subscribed to, and the task that tells of it.
#[derive(Debug)]
struct Told {
    interest: Arc<Interest>,
    _telling: AbortOnDropHandle<()>,
}

impl Clone for Subscriptions {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Subscriptions {
    /// Subscribes the client to an address.
    ///
    /// # Errors
    /// As reading it: what the caller may not see is not there. When it would be one too many.
    pub(super) async fn add(
        &self,
        address: &str,
        context: &Context,
        client: &Peer<RoleServer>,
    ) -> Result<(), ErrorData> {
        let TraceUri { trace_id, .. } = resources::parse(address)?;
        let recorder = context.intake.recorder();
        let seen = recorder.seen(&trace_id, &context.scope).await.map_err(|error| resources::away(&error))?;
        let seen = seen.ok_or_else(|| resources::unknown(&trace_id))?;
        self.interest(context, client).add(&trace_id, address, &context.scope, Some(seen))
    }

    /// Ends a subscription, if there is one.
    pub(super) fn remove(&self, address: &str) {
        if let Some(TraceUri { trace_id, .. }) = TraceUri::parse(address)
            && let Some(told) = &*self.told()
        {
            told.interest.remove(&trace_id, address);
        }
    }

    /// What this client is told of; the first time the telling begins.
    fn interest(&self, context: &Context, client: &Peer<RoleServer>) -> Arc<Interest> {
        let mut told = self.told();
        let told = told.get_or_insert_with(|| {
            let interest = Arc::new(Interest::new(context));
            let telling = tell(Arc::clone(&interest), client.clone());
            Told { interest, _telling: AbortOnDropHandle::new(tokio::spawn(telling)) }
        });
        Arc::clone(&told.interest)
    }

    fn told(&self) -> MutexGuard<'_, Option<Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a client until it is gone.
async fn tell(interest: Arc<Interest>, client: Peer<RoleServer>) {
    loop {
        for address in interest.changed().await {
            let update = rmcp::model::ResourceUpdatedNotificationParam::new(address);
            if client.notify_resource_updated(update).await.is_err() {
                return;
            }
        }
    }
}

/// As much of a filter as a stream can be about: addresses of runs. Whether there is such a run is not said here, so
/// that one which the caller may not see is like one that is not there yet.
pub(super) fn acceptable(requested: &SubscriptionFilter) -> SubscriptionFilter {
    let addresses = requested.resource_subscriptions.iter().flatten();
    let of_runs = addresses.filter(|address| TraceUri::parse(address).is_some());
    SubscriptionFilter::builder().resource_subscriptions(of_runs.take(MOST_ADDRESSES).cloned()).build()
}

/// Tells the stream of what it was accepted for, until all of that has ended or the client ends it.
///
/// It begins with an update for each run that is there: nothing is missed then of what came between the client's last
/// reading, or the acknowledgement, which goes out before this is called, and the first look.
///
/// # Errors
/// When more runs are watched than this process keeps track of, or than one principal may watch.
pub(super) async fn listen(stream: &SubscriptionContext, context: &Context) -> Result<(), ErrorData> {
    let addresses = stream.accepted().resource_subscriptions.as_deref().unwrap_or_default();
    let addresses: Vec<(TraceId, &str)> = addresses
        .iter()
        .filter_map(|address| Some((TraceUri::parse(address)?.trace_id, address.as_str())))
        .collect();
    if addresses.is_empty() {
        // Clients listen in general, to whatever a server may come to tell.
        stream.cancelled().await;
        return Ok(());
    }
    let interest = Interest::new(context);
    for (trace_id, address) in addresses {
        interest.add(&trace_id, address, &context.scope, None)?;
    }
    while !interest.watch.is_over() {
        let changed = tokio::select! {
            () = stream.cancelled() => return Ok(()),
            changed = interest.changed() => changed,
        };
        for address in changed {
            if stream.sink().notify_resource_updated(address).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Addresses to be told of, and the watch over their runs.
#[derive(Debug)]
struct Interest {
    watch: Watch,
    /// The addresses of each run, as the client has written them.
    addresses: Mutex<HashMap<TraceId, Vec<String>>>,
}

impl Interest {
    fn new(context: &Context) -> Self {
        let watch = context.intake.recorder().watch(context.token_id.clone());
        Self { watch, addresses: Mutex::default() }
    }

    fn add(
        &self,
        trace_id: &TraceId,
        address: &str,
        scope: &Scope,
        seen: Option<Seen>,
    ) -> Result<(), ErrorData> {
        let mut addresses = self.addresses();
        let is_full = addresses.values().map(Vec::len).sum::<usize>() >= MOST_ADDRESSES;
        let is_known = addresses.get(trace_id).is_some_and(|own| own.iter().any(|known| known == address));
        if !is_known {
            if is_full {
                let message = format!(
                    "{MOST_ADDRESSES} addresses are subscribed to, which is as many as one client may: end one first"
                );
                return Err(ErrorData::invalid_request(message, None));
            }
            addresses.entry(trace_id.clone()).or_default().push(address.to_owned());
        }
        self.watch.add(trace_id.clone(), scope.clone(), seen).map_err(|error| {
            addresses.remove(trace_id);
            match error {
                TooManyWatched::ByOne => {
                    ErrorData::invalid_request(format!("{error}: end a subscription first"), None)
                }
                TooManyWatched::InAll => ErrorData::internal_error(
                    format!("{error}; try again later, or read it from time to time"),
                    None,
                ),
            }
        })
    }

    fn remove(&self, trace_id: &TraceId, address: &str) {
        let mut addresses = self.addresses();
        let Some(of_run) = addresses.get_mut(trace_id) else { return };
        of_run.retain(|known| known != address);
        if of_run.is_empty() {
            addresses.remove(trace_id);
            self.watch.remove(trace_id);
        }
    }

    /// Waits until something has changed, and gives its addresses. Those of runs that have ended are let go.
    async fn changed(&self) -> Vec<String> {
        let changes = self.watch.changes().await;
        let mut addresses = self.addresses();
        let of_runs = changes.iter().filter_map(|change| {
            if change.is_last {
                addresses.remove(&change.trace_id)
            } else {
                addresses.get(&change.trace_id).cloned()
            }
        });
        of_runs.flatten().collect()
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<TraceId, Vec<String>>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
