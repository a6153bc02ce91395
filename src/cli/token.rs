//! `whytrace token`: making, listing and revoking the tokens by which clients come in over HTTP.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::TimeDelta;
use clap::error::ErrorKind;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use whytrace::access::Keyring;
use whytrace::config::Config;
use whytrace::gate::text::label;
use whytrace::model::{Clock as _, SystemClock, Timestamp, span};
use whytrace::scorecard::{Tone, counted};
use whytrace::service::Service;
use whytrace::store::index::{Permission, Scope, Token};

use whytrace::view::saying::{moment, name};

use super::screen::Showing;
use super::screen::pager::Sink;
use super::screen::table::{Cell, Column, Layout};
use super::{Ending, output, usage};

/// Make, list and revoke tokens.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace token new --name ci --scopes trace:read,trace:write --projects cobot,drills
  whytrace token new --name dashboard --scopes trace:read --expires 90d
  whytrace token list
  whytrace token revoke tok_3f2a9c01b7de

Clients send a token as `Authorization: Bearer TOKEN` to a server that runs with --auth token. Scopes: trace:read \
asks, trace:write records, trace:admin does both and what is for those who run the server.")]
pub(super) struct Tokens {
    #[command(subcommand)]
    order: Order,
}

#[derive(Debug, Subcommand)]
enum Order {
    /// Make a token and print it: this once, for only its hash is kept
    New(New),
    /// List tokens, revoked ones too; never the tokens themselves
    List(List),
    /// Revoke a token for good; running servers refuse it at once
    Revoke(Revoke),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace token new --name ci --scopes trace:write --projects cobot,drills
  TOKEN=$(whytrace token new --name me --scopes trace:read,trace:write)

The token goes to standard output, alone; its id, by which it is listed and revoked, to standard error.")]
struct New {
    /// What to know it by, such as who is to have it
    #[arg(long)]
    name: String,
    /// What its bearer may do, parted by commas: trace:read, trace:write, trace:admin
    #[arg(long, required = true, value_name = "SCOPES", value_delimiter = ',')]
    scopes: Vec<Permission>,
    /// In which projects alone, parted by commas [default: all]
    #[arg(long, value_name = "PROJECTS", value_delimiter = ',')]
    projects: Option<Vec<String>>,
    /// Until when it is good: in 12h, 90d or 4w from now, or until 2027-01-31 or an RFC 3339 time [default: until revoked]
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
}

/// When a token ends, as somebody says it.
#[derive(Clone, Copy, Debug)]
enum Expiry {
    In(TimeDelta),
    At(Timestamp),
}

impl FromStr for Expiry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = span(text).map(Self::In);
        span.or_else(|| Timestamp::of_date_or_time(text).map(Self::At))
            .ok_or("say 12h, 90d or 4w, 2027-01-31, or 2027-01-31T18:00:00Z")
    }
}

impl Expiry {
    /// The moment, if it is still to come.
    fn after(self, now: Timestamp) -> Option<Timestamp> {
        let moment = match self {
            Self::In(span) => now.plus(span),
            Self::At(moment) => moment,
        };
        (moment > now).then_some(moment)
    }
}

#[derive(Debug, Args)]
struct List {
    /// Say it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Debug, Args)]
struct Revoke {
    /// The token's id, as `whytrace token list` shows it
    #[arg(value_name = "ID")]
    token: String,
    /// Say the token as JSON
    #[arg(long)]
    json: bool,
}

impl Tokens {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let keyring = Keyring::new(Service::stores(config).index, Arc::new(SystemClock::default()));
        match self.order {
            Order::New(new) => new.run(&keyring).await,
            Order::List(list) => list.run(&keyring).await,
            Order::Revoke(revoke) => revoke.run(&keyring).await,
        }
    }
}

impl New {
    async fn run(self, keyring: &Keyring) -> anyhow::Result<Ending> {
        // As runs spell their projects, so that the names meet.
        let spelt = |field: &str, text: &str| {
            label(field, text.trim())
                .unwrap_or_else(|refusal| usage(ErrorKind::ValueValidation, refusal.to_string()))
        };
        let name = spelt("name", &self.name);
        let projects =
            self.projects.map(|projects| projects.iter().map(|one| spelt("projects", one)).collect());
        let mut bits = [0_u8; 32];
        getrandom::fill(&mut bits).context("the system gives no random bits")?;
        let scope = projects.map_or(Scope::All, Scope::Projects);
        let permissions = self.scopes.into_iter().collect();
        let now = SystemClock::default().now();
        let expiry = self.expires.map(|expiry| {
            expiry.after(now).unwrap_or_else(|| {
                usage(ErrorKind::ValueValidation, "expires: that is past already".to_owned())
            })
        });
        let (secret, token) = keyring.issue(bits, name, permissions, scope, expiry).await?;
        if self.json {
            let mut fields = as_json(&token);
            if let Some(fields) = fields.as_object_mut() {
                fields.insert("token".to_owned(), secret.reveal().into());
            }
            output::json(&fields)?;
        } else {
            // The token alone on standard output, for a variable or a file; the rest is for people.
            output::line(secret.reveal())?;
            eprintln!("Made {}: {}. The token is shown this once.", token.id, said(&token));
        }
        Ok(Ending::Done)
    }
}

impl List {
    async fn run(self, keyring: &Keyring) -> anyhow::Result<Ending> {
        let tokens = keyring.tokens().await?;
        if self.json {
            let rows: Vec<Value> = tokens.iter().map(as_json).collect();
            output::json(&json!({"tokens": rows}))?;
            return Ok(Ending::Done);
        }
        let screen = self.showing.screen();
        let mut sink = Sink::of(&screen);
        let rows: Vec<Vec<Cell>> = tokens.iter().map(cells).collect();
        if !rows.is_empty() {
            let layout = Layout::of(&COLUMNS, &rows, screen.width);
            sink.line(layout.head(screen.paint))?;
            sink.lines(rows.iter().map(|row| layout.row(row, screen.paint)))?;
        }
        sink.remark(match tokens.len() {
            0 => "No tokens. `whytrace token new --help` says how to make one.".to_owned(),
            some => format!("{}.", counted(some, "token")),
        })?;
        sink.finish()?;
        Ok(Ending::Done)
    }
}

impl Revoke {
    async fn run(self, keyring: &Keyring) -> anyhow::Result<Ending> {
        let Some(token) = keyring.revoke(&self.token).await? else {
            // Not the text that was given: it may be the token itself.
            eprintln!("whytrace: no token has this id; `whytrace token list` shows those there are");
            return Ok(Ending::Trouble);
        };
        if self.json {
            output::json(&as_json(&token))?;
        } else {
            let at = token.revoked_at.map(moment).unwrap_or_default();
            eprintln!("Revoked {} ({}) on {at}.", token.id, name(&token.name));
        }
        Ok(Ending::Done)
    }
}

const COLUMNS: [Column; 7] = [
    Column::new("TOKEN", 0).whole(),
    Column::new("NAME", 1).between(10, 32),
    Column::new("SCOPES", 2).whole(),
    Column::new("PROJECTS", 3).between(10, 40),
    Column::new("MADE (UTC)", 6).whole(),
    Column::new("EXPIRES (UTC)", 5).whole(),
    Column::new("REVOKED (UTC)", 4).whole(),
];

fn cells(token: &Token) -> Vec<Cell> {
    vec![
        Cell::new(&token.id),
        Cell::new(name(&token.name)),
        Cell::new(token.permissions.to_string()),
        Cell::new(projects(token)),
        Cell::new(moment(token.created_at)).in_tone(Tone::Label),
        Cell::new(token.expires_at.map_or_else(|| "never".to_owned(), moment)).in_tone(Tone::Label),
        Cell::new(token.revoked_at.map(moment).unwrap_or_default()).in_tone(Tone::Bad),
    ]
}

fn as_json(token: &Token) -> Value {
    let projects = match &token.scope {
        Scope::All => Value::Null,
        Scope::Projects(projects) => json!(projects),
    };
    let scopes: Vec<&str> = token.permissions.iter().map(Permission::as_str).collect();
    json!({
        "token_id": token.id,
        "name": token.name,
        "scopes": scopes,
        "projects": projects,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    })
}

/// A token in words.
fn said(token: &Token) -> String {
    let until = token.expires_at.map(|expiry| format!(", until {}", moment(expiry))).unwrap_or_default();
    format!("{}, {}, projects: {}{until}", name(&token.name), token.permissions, projects(token))
}

fn projects(token: &Token) -> String {
    match &token.scope {
        Scope::All => "all".to_owned(),
        Scope::Projects(projects) => {
            projects.iter().map(|project| name(project)).collect::<Vec<_>>().join(", ")
        }
    }
}
