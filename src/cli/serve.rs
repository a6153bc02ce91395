//! The server, over standard input and output or over HTTP.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use whytrace::config::Config;
use whytrace::mcp::{Server, ToolSet};
use whytrace::service::Service;
use whytrace::store::index::Scope;
use whytrace::transport::{HttpOptions, HttpServer, serve_stdio};

use super::Ending;

/// Serves one client on standard input and output.
pub(super) async fn stdio(config: &Config) -> anyhow::Result<Ending> {
    let service = Service::open(config)?;
    // Before anything is said: whoever reads it may answer with Ctrl-C at once.
    let shutdown = end_on_signal()?;
    if std::io::stdin().is_terminal() {
        greet(config);
    }
    Box::pin(serve_stdio(server(config, &service)?, shutdown)).await?;
    service.close().await;
    Ok(Ending::Done)
}

/// Serves any number of clients over HTTP.
pub(super) async fn http(config: &Config) -> anyhow::Result<Ending> {
    let service = Service::open(config)?;
    let handler = server(config, &service)?;
    let mut options = HttpOptions::default();
    options.listen = config.listen;
    options.allowed_hosts.clone_from(&config.allowed_hosts);
    options.allowed_origins.clone_from(&config.allowed_origins);
    let server = HttpServer::bind(options, move || handler.clone()).await?;
    let address = server.local_addr();
    let shutdown = end_on_signal()?;
    eprintln!("whytrace {} serves MCP at http://{address}/mcp", env!("CARGO_PKG_VERSION"));
    eprintln!("  data      {}", config.home.display());
    eprintln!("  database  {}", config.database.describe());
    eprintln!("  connect   claude mcp add --transport http whytrace http://{address}/mcp");
    eprintln!("            old clients: http://{address}/sse    health: http://{address}/health");
    eprintln!("  end with Ctrl-C");
    server.run(shutdown).await;
    service.close().await;
    Ok(Ending::Done)
}

fn server(config: &Config, service: &Service) -> anyhow::Result<Server> {
    let tools: ToolSet = config.tools.parse().context("tools")?;
    Ok(Server::new(service.intake.clone(), service.query.clone(), tools, Scope::All))
}

/// What somebody sees who starts the program by hand.
fn greet(config: &Config) {
    let program =
        std::env::current_exe().map_or_else(|_| "whytrace".to_owned(), |path| path.display().to_string());
    let as_json = serde_json::Value::from(program.as_str());
    let program = if program.contains(char::is_whitespace) { format!("\"{program}\"") } else { program };
    eprintln!(
        "whytrace {}: an MCP server that records why an agent's run went as it did.",
        env!("CARGO_PKG_VERSION")
    );
    eprintln!("It speaks MCP on standard input and output, and waits for a client there. To connect one:");
    eprintln!("  Claude Code     claude mcp add whytrace -- {program}");
    eprintln!("  other clients   {{\"mcpServers\": {{\"whytrace\": {{\"command\": {as_json}}}}}}}");
    eprintln!("  over HTTP       {program} serve");
    eprintln!("Data lies in {} (database: {}).", config.home.display(), config.database.describe());
    eprintln!("See `whytrace --help` for what else it does; Ctrl-C ends it.");
}

/// A token that is cancelled by the first signal to end; the second one ends the program at once. Signals count from
/// when this returns.
fn end_on_signal() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    let mut signals = Signals::listen()?;
    tokio::spawn(async move {
        signals.next().await;
        cancelled.cancel();
        signals.next().await;
        std::process::exit(130);
    });
    Ok(token)
}

/// The signals by which people and supervisors end a program.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What ends a program on Windows: Ctrl-C.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
