//! What tests stand on: databases, a server that may die, the program itself.
//!
//! - [`database`]: the Postgres that `scripts/test.sh` has started, and a schema in it for one test
//! - [`server`]: a Postgres of a test's own, for tests of outages
//! - [`bucket`]: the bucket of the S3-speaking server that it has started, and a prefix in it for one test
//! - [`line`]: a line to a server that can be cut
//! - [`issuer`]: an authorization server that signs tokens, also wrong ones
//! - [`languages`]: what `scripts/test.sh` has prepared of Node and Python
//! - [`store`]: a database of a test's own, as the index and as an SQL client sees it
//! - [`run`]: builders of events and runs
//! - [`program`]: the built program in a home of its own, spoken to over real pipes

pub(crate) mod bucket;
pub(crate) mod database;
pub(crate) mod eventually;
pub(crate) mod issuer;
pub(crate) mod languages;
pub(crate) mod line;
pub(crate) mod pipeline;
pub(crate) mod program;
pub(crate) mod run;
#[cfg(unix)]
pub(crate) mod server;
pub(crate) mod store;
