//! Node and Python, with the packages that the examples need, as `scripts/test.sh` has prepared them.
//!
//! As with Postgres, a test does without them only where whoever runs it has said so: what is merely missing must not
//! look like a passed test.

use std::env;
use std::path::PathBuf;

/// A Python that has the packages of `examples/python`; `None` where tests are to do without.
pub(crate) fn python() -> Option<PathBuf> {
    prepared("WHYTRACE_TEST_PYTHON", "Python", "scripts/python.sh")
}

/// A Node that runs TypeScript as it stands; `None` where tests are to do without.
pub(crate) fn node() -> Option<PathBuf> {
    prepared("WHYTRACE_TEST_NODE", "Node", "scripts/node.sh")
}

/// A copy of `examples/typescript` beside the packages that it needs; `None` where tests are to do without.
pub(crate) fn typescript() -> Option<PathBuf> {
    prepared("WHYTRACE_TEST_TYPESCRIPT", "copy of examples/typescript", "scripts/node.sh")
}

/// The folder of the packages that `scripts/package.json` names; `None` where tests are to do without.
pub(crate) fn tools() -> Option<PathBuf> {
    prepared("WHYTRACE_TEST_NODE_TOOLS", "packages of scripts/package.json", "scripts/node.sh")
}

/// # Panics
/// Where neither the thing nor the wish to do without is given.
fn prepared(variable: &str, what: &str, script: &str) -> Option<PathBuf> {
    if let Some(path) = env::var_os(variable) {
        return Some(PathBuf::from(path));
    }
    if env::var("WHYTRACE_TEST_RUST_ONLY").as_deref() == Ok("1") {
        eprintln!("skipped: WHYTRACE_TEST_RUST_ONLY=1 leaves out what needs Node or Python");
        return None;
    }
    panic!(
        "no {what} for this test ({variable}): run scripts/test.sh, which prepares it, \
         or {script} run -- cargo test, or set WHYTRACE_TEST_RUST_ONLY=1 to do without"
    );
}
