//! The server as clients meet it: through rmcp's own client over a pipe, on stores of its own.

mod advice;
mod completion;
mod contract;
mod mending;
mod recording;
mod resources;
mod skills;
mod subscriptions;
