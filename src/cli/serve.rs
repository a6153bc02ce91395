//! The server, over standard input and output or over HTTP.

use std::io::{ErrorKind, IsTerminal as _};
use std::net::SocketAddr;

use anyhow::Context as _;
use clap::Args;
use tokio_util::sync::CancellationToken;
use whytrace::access::{Authenticator, Keyring, OAuth};
use whytrace::config::{Config, LogFormat, Settings};
use whytrace::mcp::{Server, ToolSet, permission_for};
use whytrace::recorder::Role;
use whytrace::service::{Service, Watch};
use whytrace::store::index::Scope;
use whytrace::transport::{BindError, Guard, HttpOptions, HttpServer, Operations, Serves, serve_stdio};

use super::reach::Reach;
use super::{Ending, greeting};

/// Serve MCP over HTTP: /mcp, and /sse with /messages for old clients
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address and port [default: 127.0.0.1:7717]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Another host name under which it is reached, such as behind a proxy
    #[arg(long = "allow-host", value_name = "HOST")]
    allowed_hosts: Vec<String>,
    /// A web origin that may call, such as https://app.example
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    allowed_origins: Vec<String>,
    /// What clients have to show: token, oauth, both parted by a comma, or none, which only loopback addresses allow
    /// [default: none]
    #[arg(long, value_name = "HOW", value_delimiter = ',', value_parser = ["none", "token", "oauth"])]
    auth: Vec<String>,
    /// The authorization server whose tokens oauth takes, as they name it in iss
    #[arg(long, value_name = "URL")]
    oauth_issuer: Option<String>,
    /// The URL under which clients reach /mcp, which those tokens name in aud
    #[arg(long, value_name = "URL")]
    oauth_audience: Option<String>,
    /// Where the issuer's keys are [default: where its metadata says]
    #[arg(long, value_name = "URL")]
    oauth_jwks_url: Option<String>,
    /// Requests a second that one token or address may send, 0 for any number [default: 200]
    #[arg(long, value_name = "N")]
    rate_limit: Option<u32>,
}

impl Serve {
    /// Puts what was said into the settings, where files and the environment may say it too.
    pub(super) fn settle(&self, flags: &mut Settings) {
        let said = |names: &[String]| (!names.is_empty()).then(|| names.to_vec());
        flags.listen = self.listen;
        flags.allowed_hosts = said(&self.allowed_hosts);
        flags.allowed_origins = said(&self.allowed_origins);
        flags.auth = said(&self.auth).map(|kinds| kinds.join(","));
        flags.oauth_issuer.clone_from(&self.oauth_issuer);
        flags.oauth_audience.clone_from(&self.oauth_audience);
        flags.oauth_jwks_url.clone_from(&self.oauth_jwks_url);
        flags.rate_limit = self.rate_limit;
    }
}

/// Serves one client on standard input and output.
pub(super) async fn stdio(config: &Config, reach: &Reach) -> anyhow::Result<Ending> {
    let service = Service::open(config, Role::Server)?;
    // Before anything is said: whoever reads it may answer with Ctrl-C at once.
    let shutdown = end_on_signal()?;
    if std::io::stdin().is_terminal() && config.log_format == LogFormat::Text {
        greeting::of_stdio(config, reach);
    }
    Box::pin(serve_stdio(server(config, &service)?, shutdown)).await?;
    service.close().await;
    Ok(Ending::Done)
}

/// Serves any number of clients over HTTP.
pub(super) async fn http(config: &Config, reach: &Reach) -> anyhow::Result<Ending> {
    let service = Service::open(config, Role::Server)?;
    let mut handler = server(config, &service)?;
    let mut options = HttpOptions::default();
    options.listen = config.listen;
    options.allowed_hosts.clone_from(&config.allowed_hosts);
    options.allowed_origins.clone_from(&config.allowed_origins);
    options.rate_limit = config.rate_limit;
    if config.auth.is_needed() {
        options.guard = Some(Guard::new(authenticator(config, &service)?, permission_for));
        handler = handler.by_request();
    }
    let calls = handler.calls().clone();
    let operations = Operations { watch: Watch::over(service.intake.recorder().clone()), calls };
    let handler = move |serves| match serves {
        Serves::Session => handler.clone(),
        Serves::Request => handler.clone().by_single_request(),
    };
    let server = HttpServer::bind(options, handler).await.map_err(explain)?;
    let server = server.with_operations(operations);
    let address = server.local_addr();
    let shutdown = end_on_signal()?;
    if config.log_format == LogFormat::Json {
        // Whoever reads standard error as JSON reads all of it so.
        let database = config.database.describe();
        tracing::info!(%address, home = %config.home.display(), database, "serves MCP at http://{address}/mcp");
    } else {
        greeting::of_http(config, reach, address);
        if config.auth.tokens {
            greeting::of_tokens(&service, reach).await;
        }
    }
    server.run(shutdown).await;
    service.close().await;
    Ok(Ending::Done)
}

/// What knows the tokens that the settings let in. The keys of an authorization server are fetched meanwhile.
fn authenticator(config: &Config, service: &Service) -> anyhow::Result<Authenticator> {
    let recorder = service.intake.recorder();
    let clock = recorder.clock();
    let tokens = config.auth.tokens.then(|| Keyring::new(recorder.stores().index.clone(), clock.clone()));
    let oauth = config.auth.oauth.clone().map(|settings| OAuth::new(settings, clock.clone())).transpose()?;
    if let Some(oauth) = oauth.clone() {
        tokio::spawn(async move { oauth.warm().await });
    }
    Ok(Authenticator::new(tokens, oauth))
}

fn server(config: &Config, service: &Service) -> anyhow::Result<Server> {
    let tools: ToolSet = config.tools.parse().context("tools")?;
    Ok(Server::new(service.intake.clone(), service.query.clone(), tools, Scope::All))
}

/// Says what to do where another program listens.
fn explain(error: BindError) -> anyhow::Error {
    match error {
        BindError::Address { listen, source } if source.kind() == ErrorKind::AddrInUse => {
            let other = SocketAddr::new(listen.ip(), free_port_after(listen));
            anyhow::anyhow!(
                "could not listen on {listen}: it is taken, perhaps by a whytrace that is running already; \
                 use that one, or say --listen {other}"
            )
        }
        error => error.into(),
    }
}

/// A port that is free now, near the one that is not; 0, which means any, where there is none near.
fn free_port_after(taken: SocketAddr) -> u16 {
    let is_free = |port: &u16| std::net::TcpListener::bind(SocketAddr::new(taken.ip(), *port)).is_ok();
    (1..=20).filter_map(|distance| taken.port().checked_add(distance)).find(is_free).unwrap_or(0)
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
