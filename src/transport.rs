//! The ways in: standard input and output, streamable HTTP, and the older HTTP+SSE.
//!
//! Everything here is generic over the handler that answers: a transport frames messages, bounds
//! what one client can take, refuses what must not come in, and ends in good order. It knows
//! nothing of traces, and of principals only what a token lets them send. Only this layer names axum and hyper.
//!
//! Start at [`serve_stdio`] for a server that a client spawns, at [`HttpServer`] for one that
//! clients connect to. `opening` holds what both need of rmcp's handshake.

mod http;
mod opening;
mod stdio;

#[cfg(test)]
mod echo;

pub use http::{BindError, Guard, HttpOptions, HttpServer, Operations};
pub use stdio::{StdioOptions, serve_lines, serve_stdio};
