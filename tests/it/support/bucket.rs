//! The bucket of the S3-speaking server that `scripts/test.sh` has started, and a prefix in it for each test.
//!
//! The server comes with Python's packages, so a test does without it where tests are to do without Python.

use std::env;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use whytrace::model::QualityRules;
use whytrace::store::documents::{Documents, DocumentsTarget, Options};

use super::line::Line;

/// A prefix that no other test uses, and how it is reached.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    url: String,
    variables: Vec<(&'static str, String)>,
}

impl Bucket {
    /// A prefix that is not in use; `None`, and a line that says so, where tests are to do without.
    ///
    /// # Panics
    /// Where neither a server nor the wish to do without is given.
    pub(crate) fn fresh() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Ok(endpoint) = env::var("WHYTRACE_TEST_S3_ENDPOINT") else {
            if env::var("WHYTRACE_TEST_RUST_ONLY").as_deref() == Ok("1") {
                eprintln!("skipped: WHYTRACE_TEST_RUST_ONLY=1 leaves out what needs a server that speaks S3");
                return None;
            }
            panic!(
                "no server that speaks S3 for this test (WHYTRACE_TEST_S3_ENDPOINT): run scripts/test.sh, which \
                 starts one, or scripts/python.sh run -- python scripts/s3.py run -- cargo test, or set \
                 WHYTRACE_TEST_RUST_ONLY=1 to do without"
            );
        };
        let given = |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} goes with the endpoint"));
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("test-{}-{count}", std::process::id());
        Some(Self {
            url: format!("s3://{}/{prefix}", given("WHYTRACE_TEST_S3_BUCKET")),
            variables: vec![
                ("AWS_ENDPOINT_URL", endpoint),
                ("AWS_ALLOW_HTTP", "true".to_owned()),
                ("AWS_ACCESS_KEY_ID", given("WHYTRACE_TEST_S3_KEY")),
                ("AWS_SECRET_ACCESS_KEY", given("WHYTRACE_TEST_S3_SECRET")),
            ],
        })
    }

    /// The same prefix, reached through a line that may be cut.
    pub(crate) fn through(&self, line: &Line) -> Self {
        self.with("AWS_ENDPOINT_URL", &format!("http://{}", line.address()))
    }

    /// The same with another value of a variable.
    pub(crate) fn with(&self, variable: &str, value: &str) -> Self {
        let mut changed = self.clone();
        for (name, held) in &mut changed.variables {
            if *name == variable {
                value.clone_into(held);
            }
        }
        changed
    }

    /// The same with one variable more.
    pub(crate) fn having(&self, variable: &'static str, value: &str) -> Self {
        let mut more = self.clone();
        more.variables.push((variable, value.to_owned()));
        more
    }

    /// Another bucket on the same server.
    pub(crate) fn called(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The host and port of the server.
    pub(crate) fn server(&self) -> &str {
        let endpoint = self.variables.iter().find(|(name, _)| *name == "AWS_ENDPOINT_URL");
        endpoint.and_then(|(_, url)| url.strip_prefix("http://")).expect("an endpoint without TLS")
    }

    /// What `--documents` is to be.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The variables of a program that writes there.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        self.variables.iter().cloned().chain([("WHYTRACE_DOCUMENTS", self.url.clone())])
    }

    /// The same as the configuration file says it.
    pub(crate) fn options(&self) -> Options {
        self.variables.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
    }

    /// The documents there, seen from a machine whose home is this folder.
    pub(crate) fn documents(&self, home: &Path) -> Documents {
        let target = DocumentsTarget::parse(&self.url, home, self.options(), |_| None);
        Documents::new(&target.expect("a bucket"), QualityRules::default())
    }
}
