//! Where things are and by which rules they run: file, then `WHYTRACE_*` environment, then flags.
//!
//! Each source gives [`Settings`] in which everything may be missing; the later one wins, field by field. An
//! environment variable that is empty, or still reads `${...}` because a client did not fill it in, counts as
//! missing. A plain `DATABASE_URL` is not looked at: an editor starts servers inside its user's project, whose
//! database that is.

mod auth;
mod hidden;
mod settings;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use auth::Auth;
pub use hidden::Hidden;
pub use settings::{Settings, SettingsError};

use crate::calibration::{CalibrationRules, FlagScope};
use crate::gate::Prompts;
use crate::model::QualityRules;
use crate::recorder::{Retention, Switch};
use crate::store::DatabaseTarget;
use crate::store::documents::{DocumentsTarget, TargetError};

/// Everything that can be set, with its value.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of documents and journals, and of the embedded database.
    pub home: PathBuf,
    /// The database.
    pub database: DatabaseTarget,
    /// Where documents lie.
    pub documents: DocumentsTarget,
    /// Refuse what the database does not take at once.
    pub require_database: bool,
    /// Where HTTP listens.
    pub listen: SocketAddr,
    /// Further host names under which HTTP is reached.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call.
    pub allowed_origins: Vec<String>,
    /// What clients of HTTP have to show.
    pub auth: Auth,
    /// Requests a second that one token or address may send over HTTP; 0 is no limit.
    pub rate_limit: u32,
    /// Which tools are offered: `all`, `read` or `write`.
    pub tools: String,
    /// What is kept of prompts.
    pub prompts: Prompts,
    /// Whether secrets are taken out.
    pub redact: bool,
    /// Whether whoever records a decision is given advice on it.
    pub advice: bool,
    /// What is not recorded.
    pub switch: Switch,
    /// How long a run may be silent.
    pub abandon_after: Duration,
    /// How long finished runs are kept.
    pub retention: Retention,
    /// Scales and thresholds.
    pub quality: QualityRules,
    /// When calibration flags fire.
    pub calibration: CalibrationRules,
    /// What is logged, as the `tracing` crate's filters spell it.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
}

/// How records of the log are written, each on one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: an object a line.
    Json,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A source cannot be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No home folder is set, and the platform names none.
    #[error("no data folder: set WHYTRACE_HOME")]
    NoHome,
    /// What is set names no place for documents. What it was set to is not said: a secret may stand in it.
    #[error("documents: {0}")]
    Documents(TargetError),
    /// A value is not among those allowed.
    #[error("{name} is {value:?}; {allowed}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
}

impl Config {
    /// Reads file and environment and lays `flags` over them.
    ///
    /// `environment` gives the value of a variable, if it has one.
    ///
    /// # Errors
    /// When a source cannot be read or a value is not allowed.
    pub fn load(flags: Settings, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let variables = Settings::from_environment(&environment)?;
        let chosen = flags.config.clone().or_else(|| variables.config.clone());
        let home = flags.home.clone().or_else(|| variables.home.clone());
        let file = match chosen {
            Some(path) => Settings::from_file(&path)?,
            None => match home.or_else(default_home) {
                Some(home) => Settings::from_file_if_there(&home.join("config.toml"))?,
                None => Settings::default(),
            },
        };
        Self::from_settings(flags.over(variables).over(file), environment)
    }

    /// Where documents lie, for people, if that is not the home folder.
    #[must_use]
    pub fn documents_elsewhere(&self) -> Option<String> {
        let is_home = matches!(&self.documents, DocumentsTarget::Folder(path) if *path == self.home);
        (!is_home).then(|| self.documents.describe())
    }

    fn from_settings(
        settings: Settings,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let quality = quality(&settings)?;
        let auth = Auth::from_settings(&settings)?;
        let home = settings.home.or_else(default_home).ok_or(ConfigError::NoHome)?;
        let database = database(&home, settings.database_url.as_ref().map(Hidden::reveal), settings.schema)?;
        let documents = match settings.documents {
            Some(text) => {
                let options = settings.documents_options.unwrap_or_default();
                DocumentsTarget::parse(&text, &home, options, environment).map_err(ConfigError::Documents)?
            }
            None => DocumentsTarget::Folder(home.clone()),
        };
        let mut calibration = settings.calibration.unwrap_or_default();
        if let Some(scope) = settings.flag_scope {
            calibration.flag_scope = match scope.as_str() {
                "installation" => FlagScope::Installation,
                "project" => FlagScope::Project,
                _ => {
                    return Err(ConfigError::Value {
                        name: "flag_scope",
                        value: scope,
                        allowed: "it is installation or project",
                    });
                }
            };
        } else if auth.is_needed() {
            // A flag tells figures of the runs that a run was held against, and not everybody may see every project.
            calibration.flag_scope = FlagScope::Project;
        }
        let prompts = match settings.prompts.as_deref() {
            None | Some("full") => Prompts::Full,
            Some("lengths") => Prompts::Lengths,
            Some("off") => Prompts::Off,
            Some(other) => {
                return Err(ConfigError::Value {
                    name: "prompts",
                    value: other.to_owned(),
                    allowed: "it is full, lengths or off",
                });
            }
        };
        let log_format = match settings.log_format.as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                return Err(ConfigError::Value {
                    name: "log_format",
                    value: other.to_owned(),
                    allowed: "it is text or json",
                });
            }
        };
        let require_database = match settings.require.as_deref() {
            None => false,
            Some("database") => true,
            Some(other) => {
                return Err(ConfigError::Value {
                    name: "require",
                    value: other.to_owned(),
                    allowed: "it is database, or is left out",
                });
            }
        };
        let abandon_after_hours =
            checked("abandon_after_hours", settings.abandon_after_hours, ABOVE_0)?.unwrap_or(24.0);
        let tools = settings.tools.unwrap_or_else(|| "all".to_owned());
        if !matches!(tools.as_str(), "all" | "read" | "write") {
            return Err(ConfigError::Value {
                name: "tools",
                value: tools,
                allowed: "it is all, read or write",
            });
        }
        Ok(Self {
            database,
            documents,
            require_database,
            listen: settings.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 7717))),
            allowed_hosts: settings.allowed_hosts.unwrap_or_default(),
            allowed_origins: settings.allowed_origins.unwrap_or_default(),
            auth,
            rate_limit: settings.rate_limit.unwrap_or(200),
            tools,
            prompts,
            redact: settings.redact.unwrap_or(true),
            advice: settings.advice.unwrap_or(true),
            switch: Switch {
                all_off: !settings.enabled.unwrap_or(true),
                projects_off: settings.disabled_projects.unwrap_or_default(),
            },
            retention: retention(settings.retention_days, settings.retention_days_by_project)?,
            abandon_after: Duration::from_secs_f64(abandon_after_hours.min(1e6) * 3_600.0),
            quality,
            calibration,
            log: settings.log.unwrap_or_else(|| "warn,whytrace=info,rmcp=warn".to_owned()),
            log_format,
            home,
        })
    }
}

fn quality(settings: &Settings) -> Result<QualityRules, ConfigError> {
    let rules = QualityRules::default();
    let scale_max = checked("scale_max", settings.scale_max, ABOVE_0)?.unwrap_or(3.0);
    let share = |name, limit, default| {
        Ok::<_, ConfigError>(checked(name, limit, FROM_0)?.map_or(default, |score| score / scale_max))
    };
    Ok(QualityRules {
        scale_max,
        threshold_share: share("threshold", settings.threshold, rules.threshold_share)?,
        gap_share: share("gap_limit", settings.gap_limit, rules.gap_share)?,
        strength_share: share("strength_limit", settings.strength_limit, rules.strength_share)?,
    })
}

fn retention(
    days: Option<f64>,
    days_by_project: Option<BTreeMap<String, f64>>,
) -> Result<Retention, ConfigError> {
    let days = checked("retention_days", days, FROM_0)?;
    let days_by_project = days_by_project.unwrap_or_default();
    for days in days_by_project.values() {
        checked("retention_days_by_project", Some(*days), FROM_0)?;
    }
    Ok(Retention { days, days_by_project })
}

const ABOVE_0: &str = "send a number above 0";
const FROM_0: &str = "send a number that is not negative";

/// A number that is finite and as `allowed` says.
fn checked(
    name: &'static str,
    value: Option<f64>,
    allowed: &'static str,
) -> Result<Option<f64>, ConfigError> {
    match value {
        Some(value) if !value.is_finite() || value < 0.0 || (value == 0.0 && allowed == ABOVE_0) => {
            Err(ConfigError::Value { name, value: value.to_string(), allowed })
        }
        value => Ok(value),
    }
}

/// The home of the demo's runs where nobody names one: beside the home of real ones, never in it. `None` where the
/// platform has no folder for data of programs.
#[must_use]
pub fn default_demo_home() -> Option<PathBuf> {
    dirs::data_dir().map(|folder| folder.join("whytrace-demo"))
}

/// The platform's folder for data of programs.
fn default_home() -> Option<PathBuf> {
    dirs::data_dir().map(|folder| folder.join("whytrace"))
}

fn database(home: &Path, url: Option<&str>, schema: Option<String>) -> Result<DatabaseTarget, ConfigError> {
    let Some(url) = url else {
        return Ok(DatabaseTarget::Sqlite(home.join("whytrace.db")));
    };
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(DatabaseTarget::Sqlite(PathBuf::from(path.trim_start_matches("//"))));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(DatabaseTarget::Postgres {
            url: url.to_owned(),
            schema: schema.unwrap_or_else(|| "whytrace".to_owned()),
        });
    }
    Err(ConfigError::Value {
        name: "database_url",
        value: url.split(':').next().unwrap_or_default().to_owned(),
        allowed: "it begins with postgres:// or sqlite:",
    })
}

#[cfg(test)]
mod tests;
