//! The protocol's own conformance suite against the server over HTTP: its released line, and the next one, which knows
//! 2026-07-28.
//!
//! The program is tried with every scenario; most of them call tools, prompts and resources of fixed names, which it
//! does not have. Those are tried on the same HTTP stack with [`fixtures`] in the program's place. What passes and
//! what cannot is named, scenario by scenario, with the reason: a scenario that does otherwise, or is new, fails here.

mod fixtures;

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;
use whytrace::transport::{HttpOptions, HttpServer};

use crate::program::http::serve;
use crate::support::languages;
use crate::support::program::{Home, ended};

/// One line of the suite, as its package is called in `scripts/package.json`, and what is run of it.
struct Suite {
    package: &'static str,
    selection: [&'static str; 2],
}

const RELEASED: Suite = Suite { package: "conformance", selection: ["--suite", "all"] };
const NEXT: Suite = Suite { package: "conformance-next", selection: ["--requirements", "2026-07-28"] };

/// What is to become of scenarios.
struct Expected {
    pass: &'static [&'static str],
    /// Those that fail, by the reason.
    fail: &'static [(&'static str, &'static [&'static str])],
    /// Those of which only so many checks pass, and the reason why not all.
    pass_partly: &'static [(&'static str, &'static str, &'static str)],
    /// Those that make no check here, by the reason.
    check_nothing: &'static [(&'static str, &'static [&'static str])],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passes,
    Fails,
    ChecksNothing,
}

impl Suite {
    /// Runs it against a server, and gives what became of each scenario, and of how many of its checks. `None` where
    /// tests are to do without Node.
    fn run(&self, address: &str) -> Option<BTreeMap<String, (Outcome, String)>> {
        let (node, packages) = (languages::node()?, languages::tools()?);
        let home = Home::new();
        let mut command = home.command(&node.to_string_lossy());
        command.arg(packages.join(self.package).join("dist/index.js")).arg("server");
        command.args(["--url", &format!("http://{address}/mcp")]).args(self.selection);
        let said = ended(command).stdout;
        let (_, summary) = said.split_once("=== SUMMARY ===").unwrap_or_else(|| panic!("no summary: {said}"));
        let outcomes: BTreeMap<_, _> = summary.lines().filter_map(outcome).collect();
        assert!(outcomes.len() > 20, "hardly any scenarios: {said}");
        Some(outcomes)
    }
}

/// Reads a line of the summary such as `✓ ping: 1 passed, 0 failed`.
fn outcome(line: &str) -> Option<(String, (Outcome, String))> {
    let (mark, rest) = line.split_once(' ')?;
    let (scenario, counts) = rest.split_once(": ")?;
    let passed = counts.split_once(" passed, ")?.0;
    let outcome = match mark {
        "✓" if passed == "0" => Outcome::ChecksNothing,
        "✓" => Outcome::Passes,
        "✗" => Outcome::Fails,
        _ => return None,
    };
    Some((scenario.to_owned(), (outcome, counts.to_owned())))
}

impl Expected {
    fn holds(&self, outcomes: &BTreeMap<String, (Outcome, String)>) {
        let mut expected = BTreeMap::new();
        expected.extend(self.pass.iter().map(|&scenario| (scenario, Outcome::Passes)));
        expected.extend(self.pass_partly.iter().map(|&(scenario, ..)| (scenario, Outcome::Fails)));
        for (named, outcome) in [(self.fail, Outcome::Fails), (self.check_nothing, Outcome::ChecksNothing)] {
            let scenarios = named.iter().flat_map(|(_, scenarios)| *scenarios);
            expected.extend(scenarios.map(|&scenario| (scenario, outcome)));
        }
        let became = |scenario: &str| outcomes.get(scenario).map(|(outcome, _)| *outcome);
        let surprises: Vec<String> = expected
            .keys()
            .copied()
            .chain(outcomes.keys().map(String::as_str))
            .filter(|scenario| expected.get(scenario).copied() != became(scenario))
            .map(|scenario| format!("{scenario}: {:?}, not {:?}", became(scenario), expected.get(scenario)))
            .collect();
        assert!(surprises.is_empty(), "{surprises:#?}");
        for (scenario, counts, why) in self.pass_partly {
            assert_eq!(outcomes[*scenario].1, *counts, "{scenario}: {why}");
        }
    }
}

/// Runs both lines of the suite against the program.
#[test]
fn the_program_passes_every_scenario_that_needs_no_fixture() {
    let home = Home::new();
    let (_server, client) = serve(&home);
    for (suite, expected) in [(RELEASED, RELEASED_OF_PROGRAM), (NEXT, NEXT_OF_PROGRAM)] {
        let Some(outcomes) = suite.run(client.address()) else { return };
        expected.holds(&outcomes);
    }
}

/// Runs both lines of the suite against the fixtures on the program's HTTP stack.
#[tokio::test(flavor = "multi_thread")]
async fn the_http_stack_passes_with_fixtures_on_it() {
    let mut options = HttpOptions::default();
    options.listen.set_port(0);
    let server = HttpServer::bind(options, |_| fixtures::Fixtures).await.unwrap();
    let address = server.local_addr().to_string();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(server.run(shutdown.clone()));
    let suites = tokio::task::spawn_blocking(move || {
        for (suite, expected) in [(RELEASED, RELEASED_OF_STACK), (NEXT, NEXT_OF_STACK)] {
            let Some(outcomes) = suite.run(&address) else { return };
            expected.holds(&outcomes);
        }
    });
    suites.await.unwrap();
    shutdown.cancel();
    running.await.unwrap();
}

const FIXTURE: &str = "these ask for what only the fixtures have, and are tried with them";
const NO_SESSIONS: &str = "/mcp keeps no sessions, which these are about";
const NO_LOGGING: &str =
    "logging to clients is deprecated and not offered; the server logs to standard error";
const NEVER_ASKS: &str = "the server asks nothing of its clients: neither sampling nor elicitation nor roots";
const NO_TASKS: &str = "an extension that is not offered: no call takes long enough to be a task";
const NO_HEADERS: &str = "no parameter of a tool is to be sent as a header";

const RELEASED_OF_PROGRAM: Expected = Expected {
    pass: &[
        "server-initialize",
        "ping",
        "tools-list",
        "resources-list",
        "prompts-list",
        "dns-rebinding-protection",
    ],
    pass_partly: &[],
    fail: &[(FIXTURE, OF_FIXTURES), (NO_SESSIONS, SUBSCRIBING), (NO_LOGGING, LOGGING), (NEVER_ASKS, ASKING)],
    check_nothing: &[(NO_SESSIONS, STREAMING)],
};

const RELEASED_OF_STACK: Expected = Expected {
    pass: &[
        "server-initialize",
        "ping",
        "completion-complete",
        "tools-list",
        "tools-call-simple-text",
        "tools-call-image",
        "tools-call-audio",
        "tools-call-embedded-resource",
        "tools-call-mixed-content",
        "tools-call-error",
        "tools-call-with-progress",
        "json-schema-2020-12",
        "resources-list",
        "resources-read-text",
        "resources-read-binary",
        "resources-templates-read",
        "prompts-list",
        "prompts-get-simple",
        "prompts-get-with-args",
        "prompts-get-embedded-resource",
        "prompts-get-with-image",
        "dns-rebinding-protection",
    ],
    pass_partly: &[],
    fail: &[(NO_SESSIONS, SUBSCRIBING), (NO_LOGGING, LOGGING), (NEVER_ASKS, ASKING)],
    check_nothing: &[(NO_SESSIONS, STREAMING)],
};

const NEXT_OF_PROGRAM: Expected = Expected {
    pass: &[
        "tools-list",
        "server-sse-multiple-streams",
        "resources-list",
        "sep-2164-resource-not-found",
        "prompts-list",
        "dns-rebinding-protection",
        "caching",
        "http-header-validation",
        "input-required-result-ignore-extra-params",
        "input-required-result-missing-input-response",
        "input-required-result-unsupported-methods",
        "input-required-result-validate-input",
    ],
    pass_partly: &[("server-stateless", "24 passed, 4 failed", FIXTURE)],
    fail: &[
        (FIXTURE, OF_FIXTURES),
        (NEVER_ASKS, ASKING_IN_RESULTS),
        (NO_TASKS, TASKS),
        (NO_HEADERS, &["http-custom-header-server-validation"]),
    ],
    check_nothing: &[(NO_TASKS, &["tasks-status-notifications"])],
};

const NEXT_OF_STACK: Expected = Expected {
    pass: &[
        "server-stateless",
        "completion-complete",
        "tools-list",
        "tools-call-simple-text",
        "tools-call-image",
        "tools-call-audio",
        "tools-call-embedded-resource",
        "tools-call-mixed-content",
        "tools-call-error",
        "tools-call-with-progress",
        "json-schema-2020-12",
        "server-sse-multiple-streams",
        "resources-list",
        "resources-read-text",
        "resources-read-binary",
        "resources-templates-read",
        "sep-2164-resource-not-found",
        "prompts-list",
        "prompts-get-simple",
        "prompts-get-with-args",
        "prompts-get-embedded-resource",
        "prompts-get-with-image",
        "dns-rebinding-protection",
        "caching",
        "http-header-validation",
        "input-required-result-ignore-extra-params",
        "input-required-result-missing-input-response",
        "input-required-result-unsupported-methods",
        "input-required-result-validate-input",
    ],
    pass_partly: &[],
    fail: &[
        (NEVER_ASKS, ASKING_IN_RESULTS),
        (NO_TASKS, TASKS),
        (NO_HEADERS, &["http-custom-header-server-validation"]),
    ],
    check_nothing: &[(NO_TASKS, &["tasks-status-notifications"])],
};

const OF_FIXTURES: &[&str] = &[
    "completion-complete",
    "tools-call-simple-text",
    "tools-call-image",
    "tools-call-audio",
    "tools-call-embedded-resource",
    "tools-call-mixed-content",
    "tools-call-error",
    "tools-call-with-progress",
    "json-schema-2020-12",
    "resources-read-text",
    "resources-read-binary",
    "resources-templates-read",
    "prompts-get-simple",
    "prompts-get-with-args",
    "prompts-get-embedded-resource",
    "prompts-get-with-image",
];
const SUBSCRIBING: &[&str] = &["resources-subscribe", "resources-unsubscribe"];
const STREAMING: &[&str] = &["server-sse-polling", "server-sse-multiple-streams"];
const LOGGING: &[&str] = &["logging-set-level", "tools-call-with-logging"];
const ASKING: &[&str] = &[
    "tools-call-sampling",
    "tools-call-elicitation",
    "elicitation-sep1034-defaults",
    "elicitation-sep1330-enums",
];
const ASKING_IN_RESULTS: &[&str] = &[
    "input-required-result-basic-elicitation",
    "input-required-result-basic-sampling",
    "input-required-result-basic-list-roots",
    "input-required-result-request-state",
    "input-required-result-multiple-input-requests",
    "input-required-result-multi-round",
    "input-required-result-non-tool-request",
    "input-required-result-result-type",
    "input-required-result-tampered-state",
    "input-required-result-capability-check",
];
const TASKS: &[&str] = &[
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
];
