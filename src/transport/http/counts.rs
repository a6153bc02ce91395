//! The requests that were answered, by path and status.

use axum::http::StatusCode;

use crate::metrics::{Counter, Exposition, Kind};

/// The paths that are told apart. What clients make up is one more, whatever it is.
const PATHS: [&str; 7] = ["/mcp", "/sse", "/messages", "/health", "/ready", "/metrics", "other"];

/// Statuses are three digits.
const STATUSES: usize = 1_000;

/// Counters of one server.
#[derive(Debug)]
pub(super) struct Counts {
    /// One for each status, path by path.
    requests: Box<[Counter]>,
    rate_limited: Counter,
}

impl Default for Counts {
    fn default() -> Self {
        let requests = (0..PATHS.len() * STATUSES).map(|_| Counter::default()).collect();
        Self { requests, rate_limited: Counter::default() }
    }
}

impl Counts {
    /// The number of a path in [`PATHS`].
    pub(super) fn path(path: &str) -> usize {
        PATHS.iter().position(|known| *known == path).unwrap_or(PATHS.len() - 1)
    }

    /// Counts a request to the path of this number that was answered with this status.
    pub(super) fn answered(&self, path: usize, status: StatusCode) {
        if let Some(counter) = self.requests.get(path * STATUSES + usize::from(status.as_u16())) {
            counter.add(1);
        }
    }

    /// Counts a request that came too soon.
    pub(super) fn rate_limited(&self) {
        self.rate_limited.add(1);
    }

    /// Tells all of it.
    pub(super) fn tell(&self, text: &mut Exposition) {
        let mut samples = text.metric(
            "whytrace_http_requests_total",
            Kind::Counter,
            "Requests answered, by path and status.",
        );
        for (path, statuses) in PATHS.iter().zip(self.requests.chunks(STATUSES)) {
            for (status, counter) in statuses.iter().enumerate().filter(|(_, counter)| counter.get() > 0) {
                samples.sample(&[("path", path), ("status", &status.to_string())], counter.get());
            }
        }
        text.metric(
            "whytrace_http_rate_limited_total",
            Kind::Counter,
            "Requests refused because their caller asked too often.",
        )
        .sample(&[], self.rate_limited.get());
    }
}
