//! Settings as one source gives them: everything may be missing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Hidden;
use crate::calibration::CalibrationRules;
use crate::store::documents::Options;

/// What one source sets. The names are those of the file; `WHYTRACE_` and the name in capitals is the variable.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Another configuration file.
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// The home folder. Not in the file, which lies there.
    #[serde(skip)]
    pub home: Option<PathBuf>,
    /// `postgres://...`, or `sqlite:PATH`.
    pub database_url: Option<Hidden>,
    /// The Postgres schema.
    pub schema: Option<String>,
    /// A folder, or `s3://BUCKET/PREFIX`, `gs://...` or `az://...`: where documents lie.
    pub documents: Option<String>,
    /// How that store is reached, by the names of its provider's variables in lower case; a table in the file.
    pub documents_options: Option<Options>,
    /// `database`: refuse what it does not take at once.
    pub require: Option<String>,
    /// Address and port of HTTP.
    pub listen: Option<SocketAddr>,
    /// Further host names of HTTP.
    pub allowed_hosts: Option<Vec<String>>,
    /// Web origins that may call.
    pub allowed_origins: Option<Vec<String>>,
    /// `none`, `token`, `oauth` or `token,oauth`: what clients of HTTP have to show.
    pub auth: Option<String>,
    /// The authorization server whose tokens are taken, as they name it in `iss`.
    pub oauth_issuer: Option<String>,
    /// The URL under which clients reach `/mcp`: what those tokens name in `aud`.
    pub oauth_audience: Option<String>,
    /// Where the issuer's keys are, if its metadata does not say so.
    pub oauth_jwks_url: Option<String>,
    /// The claim that carries scopes; `scope`, then `scp` where it is not set.
    pub oauth_scope_claim: Option<String>,
    /// The claim that lists projects; `projects` where it is not set.
    pub oauth_projects_claim: Option<String>,
    /// What a token opens that has no such claim; `*` is every project. Nothing where it is not set.
    pub oauth_default_projects: Option<Vec<String>>,
    /// Requests a second that one token or address may send over HTTP; 0 is no limit.
    pub rate_limit: Option<u32>,
    /// `all`, `read` or `write`.
    pub tools: Option<String>,
    /// `full`, `lengths` or `off`.
    pub prompts: Option<String>,
    /// Whether secrets are taken out.
    pub redact: Option<bool>,
    /// Whether whoever records a decision is given advice on it.
    pub advice: Option<bool>,
    /// Whether anything is recorded.
    pub enabled: Option<bool>,
    /// Projects that are not recorded.
    pub disabled_projects: Option<Vec<String>>,
    /// Hours of silence after which a run counts as abandoned.
    pub abandon_after_hours: Option<f64>,
    /// Days after which finished runs are deleted.
    pub retention_days: Option<f64>,
    /// The same for single projects; a table in the file.
    pub retention_days_by_project: Option<BTreeMap<String, f64>>,
    /// The end of the quality scale.
    pub scale_max: Option<f64>,
    /// The score at which a run passes.
    pub threshold: Option<f64>,
    /// The score below which a principle is a gap.
    pub gap_limit: Option<f64>,
    /// The score from which a principle is a strength.
    pub strength_limit: Option<f64>,
    /// `installation` or `project`.
    pub flag_scope: Option<String>,
    /// When calibration flags fire; a table in the file.
    pub calibration: Option<CalibrationRules>,
    /// What is logged.
    pub log: Option<String>,
    /// `text` or `json`.
    pub log_format: Option<String>,
}

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be opened.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The file is no TOML of this shape.
    #[error("{path}: {message}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
    /// A variable's text is no value of its kind.
    #[error("{name} is {value:?}, which is no {kind}")]
    Variable {
        /// The variable.
        name: String,
        /// Its text.
        value: String,
        /// What it should be.
        kind: &'static str,
    },
}

impl Settings {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is not there or is no TOML of this shape.
    pub fn from_file(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|reason| SettingsError::File { path: path.to_owned(), reason })?;
        toml::from_str(&text).map_err(|error| {
            // Not the error's own form, which quotes the line: a password may stand there.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let message = format!("line {line}: {}", error.message());
            SettingsError::Toml { path: path.to_owned(), message }
        })
    }

    /// Reads a file, if there is one.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn from_file_if_there(path: &Path) -> Result<Self, SettingsError> {
        if path.exists() { Self::from_file(path) } else { Ok(Self::default()) }
    }

    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable's text is no value of its kind.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let variables = Variables { variable };
        Ok(Self {
            config: variables.text("CONFIG").map(PathBuf::from),
            home: variables.text("HOME").map(PathBuf::from),
            database_url: variables.text("DATABASE_URL").map(Hidden::from),
            schema: variables.text("SCHEMA"),
            documents: variables.text("DOCUMENTS"),
            documents_options: None,
            require: variables.text("REQUIRE"),
            listen: variables.parsed("LISTEN", "address and port, such as 127.0.0.1:7717")?,
            allowed_hosts: variables.list("ALLOWED_HOSTS"),
            allowed_origins: variables.list("ALLOWED_ORIGINS"),
            auth: variables.text("AUTH"),
            oauth_issuer: variables.text("OAUTH_ISSUER"),
            oauth_audience: variables.text("OAUTH_AUDIENCE"),
            oauth_jwks_url: variables.text("OAUTH_JWKS_URL"),
            oauth_scope_claim: variables.text("OAUTH_SCOPE_CLAIM"),
            oauth_projects_claim: variables.text("OAUTH_PROJECTS_CLAIM"),
            oauth_default_projects: variables.list("OAUTH_DEFAULT_PROJECTS"),
            rate_limit: variables.parsed("RATE_LIMIT", "number of requests a second")?,
            tools: variables.text("TOOLS"),
            prompts: variables.text("PROMPTS"),
            redact: variables.truth("REDACT")?,
            advice: variables.truth("ADVICE")?,
            enabled: variables.truth("ENABLED")?,
            disabled_projects: variables.list("DISABLED_PROJECTS"),
            abandon_after_hours: variables.parsed("ABANDON_AFTER_HOURS", "number of hours")?,
            retention_days: variables.parsed("RETENTION_DAYS", "number of days")?,
            retention_days_by_project: None,
            scale_max: variables.parsed("SCALE_MAX", "number")?,
            threshold: variables.parsed("THRESHOLD", "number")?,
            gap_limit: variables.parsed("GAP_LIMIT", "number")?,
            strength_limit: variables.parsed("STRENGTH_LIMIT", "number")?,
            flag_scope: variables.text("FLAG_SCOPE"),
            calibration: None,
            log: variables.text("LOG"),
            log_format: variables.text("LOG_FORMAT"),
        })
    }

    /// These settings, and where they are missing those of `other`.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        Self {
            config: self.config.or(other.config),
            home: self.home.or(other.home),
            database_url: self.database_url.or(other.database_url),
            schema: self.schema.or(other.schema),
            documents: self.documents.or(other.documents),
            documents_options: self.documents_options.or(other.documents_options),
            require: self.require.or(other.require),
            listen: self.listen.or(other.listen),
            allowed_hosts: self.allowed_hosts.or(other.allowed_hosts),
            allowed_origins: self.allowed_origins.or(other.allowed_origins),
            auth: self.auth.or(other.auth),
            oauth_issuer: self.oauth_issuer.or(other.oauth_issuer),
            oauth_audience: self.oauth_audience.or(other.oauth_audience),
            oauth_jwks_url: self.oauth_jwks_url.or(other.oauth_jwks_url),
            oauth_scope_claim: self.oauth_scope_claim.or(other.oauth_scope_claim),
            oauth_projects_claim: self.oauth_projects_claim.or(other.oauth_projects_claim),
            oauth_default_projects: self.oauth_default_projects.or(other.oauth_default_projects),
            rate_limit: self.rate_limit.or(other.rate_limit),
            tools: self.tools.or(other.tools),
            prompts: self.prompts.or(other.prompts),
            redact: self.redact.or(other.redact),
            advice: self.advice.or(other.advice),
            enabled: self.enabled.or(other.enabled),
            disabled_projects: self.disabled_projects.or(other.disabled_projects),
            abandon_after_hours: self.abandon_after_hours.or(other.abandon_after_hours),
            retention_days: self.retention_days.or(other.retention_days),
            retention_days_by_project: self.retention_days_by_project.or(other.retention_days_by_project),
            scale_max: self.scale_max.or(other.scale_max),
            threshold: self.threshold.or(other.threshold),
            gap_limit: self.gap_limit.or(other.gap_limit),
            strength_limit: self.strength_limit.or(other.strength_limit),
            flag_scope: self.flag_scope.or(other.flag_scope),
            calibration: self.calibration.or(other.calibration),
            log: self.log.or(other.log),
            log_format: self.log_format.or(other.log_format),
        }
    }
}

struct Variables<F> {
    variable: F,
}

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn text(&self, name: &str) -> Option<String> {
        let value = (self.variable)(&format!("WHYTRACE_{name}"))?;
        let value = value.trim();
        let is_unset = value.is_empty() || (value.starts_with("${") && value.ends_with('}'));
        (!is_unset).then(|| value.to_owned())
    }

    fn list(&self, name: &str) -> Option<Vec<String>> {
        let text = self.text(name)?;
        Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        name: &str,
        kind: &'static str,
    ) -> Result<Option<T>, SettingsError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let parsed = text.parse().ok();
        parsed.map(Some).ok_or_else(|| SettingsError::Variable {
            name: format!("WHYTRACE_{name}"),
            value: text,
            kind,
        })
    }

    fn truth(&self, name: &str) -> Result<Option<bool>, SettingsError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "on" | "yes" => Ok(Some(true)),
            "0" | "false" | "off" | "no" => Ok(Some(false)),
            _ => Err(SettingsError::Variable {
                name: format!("WHYTRACE_{name}"),
                value: text,
                kind: "truth value (on or off)",
            }),
        }
    }
}
