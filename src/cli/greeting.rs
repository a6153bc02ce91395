//! What somebody reads who starts the program by hand: where data lies, and how a client reaches it. All of it on
//! standard error.

use std::time::Duration;

use serde_json::{Map, json};
use whytrace::config::Config;
use whytrace::service::Service;

use super::reach::{Reach, shell_word};

/// The greeting of the server on standard input and output, before a client has come.
pub(super) fn of_stdio(config: &Config, reach: &Reach) {
    let program =
        std::env::current_exe().map_or_else(|_| "whytrace".to_owned(), |path| path.display().to_string());
    let (options, variable) = (reach.options(), reach.secret_variable());
    let mut server = Map::from_iter([("command".to_owned(), json!(program))]);
    if !options.is_empty() {
        server.insert("args".to_owned(), json!(options));
    }
    let mut before = String::new();
    if let Some((name, value)) = &variable {
        server.insert("env".to_owned(), json!({ *name: value }));
        before = format!("--env {} ", shell_word(&format!("{name}={value}")));
    }
    let command: Vec<String> =
        std::iter::once(&program).chain(&options).map(|word| shell_word(word)).collect();
    eprintln!(
        "whytrace {}: an MCP server that records why an agent's run went as it did.",
        env!("CARGO_PKG_VERSION")
    );
    eprintln!("It speaks MCP on standard input and output, and waits for a client there. To connect one:");
    eprintln!("  Claude Code     claude mcp add whytrace {before}-- {}", command.join(" "));
    eprintln!("  other clients   {}", json!({"mcpServers": {"whytrace": server}}));
    eprintln!("  over HTTP       {}", reach.command(&["serve"]));
    say_what_is_missing(reach);
    let documents =
        config.documents_elsewhere().map_or_else(String::new, |place| format!(", documents: {place}"));
    eprintln!(
        "Data lies in {} (database: {}{documents}).",
        config.home.display(),
        config.database.describe()
    );
    eprintln!("See `whytrace --help` for what else it does; Ctrl-C ends it.");
}

/// The greeting of the server over HTTP at this address.
pub(super) fn of_http(config: &Config, reach: &Reach, address: std::net::SocketAddr) {
    eprintln!("whytrace {} serves MCP at http://{address}/mcp", env!("CARGO_PKG_VERSION"));
    eprintln!("  data      {}", config.home.display());
    eprintln!("  database  {}", config.database.describe());
    if let Some(place) = config.documents_elsewhere() {
        eprintln!("  documents {place}");
    }
    let token = if config.auth.tokens { " --header \"Authorization: Bearer $TOKEN\"" } else { "" };
    eprintln!("  connect   claude mcp add --transport http whytrace http://{address}/mcp{token}");
    eprintln!("            old clients: http://{address}/sse    health: http://{address}/health");
    if let Some(oauth) = &config.auth.oauth {
        eprintln!("  tokens    from {} for {}", oauth.issuer, oauth.audience);
    }
    eprintln!("  look      {}", reach.command(&["show", "last"]));
    say_what_is_missing(reach);
    eprintln!("  end with Ctrl-C");
}

/// What is said besides where clients need a token and none was made yet.
pub(super) async fn of_tokens(service: &Service, reach: &Reach) {
    let recorder = service.intake.recorder();
    let (index, now) = (&recorder.stores().index, recorder.clock().now());
    // A database that is slow to answer keeps nobody waiting for this.
    let Ok(Ok(tokens)) = tokio::time::timeout(Duration::from_secs(1), index.tokens()).await else { return };
    if tokens.iter().all(|token| !token.is_valid(now)) {
        let words = ["token", "new", "--name", "me", "--scopes", "trace:read,trace:write"];
        eprintln!("  Nobody has a token yet. To make one: {}", reach.command(&words));
    }
}

fn say_what_is_missing(reach: &Reach) {
    if reach.secret_variable().is_some() {
        eprintln!("Where it says PASSWORD, put in your own: it is not shown here.");
    }
}
