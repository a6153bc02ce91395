//! Everything opened and put together by a configuration: what a server, the terminal and a pipeline start from.

mod watch;

use std::sync::Arc;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::gate::{Gate, Minter, Redactor, Settings};
use crate::model::{Clock, SystemClock};
use crate::query::Query;
use crate::recorder::{Intake, Recorder, RecorderOptions, Role};
use crate::store::documents::Documents;
use crate::store::index::Index;
use crate::store::live::Live;
use crate::store::{Installation, Stores};

pub use watch::{Pending, Readiness, Reasons, StoreState, Watch};

/// A running installation: requests in, answers out, within a runtime of the caller's.
///
/// ```
/// use serde_json::json;
/// use whytrace::config::{Config, Settings};
/// use whytrace::gate::CallerContext;
/// use whytrace::gate::request::parse;
/// use whytrace::recorder::Role;
/// use whytrace::service::Service;
/// use whytrace::store::index::Scope;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let home = folder.path().to_owned();
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let config = Config::load(Settings { home: Some(home), ..Settings::default() }, |_| None)?;
/// let service = Service::open(&config, Role::Pipeline)?;
/// let start = parse(json!({"project": "cobot", "query": "who builds cobots?"}))?;
/// let trace_id = service.intake.start(start, &CallerContext::default()).await?.trace_id;
/// let decision = parse(json!({
///     "trace_id": trace_id, "stage": "collection", "decision": "source_selection", "what": "exa",
///     "why": "recent and broad", "confidence": 0.9, "alternatives_considered": ["google (0.60)"],
/// }))?;
/// service.intake.decision(decision).await?;
/// service.intake.finish(parse(json!({"trace_id": trace_id, "score": 2.4}))?).await?;
///
/// let run = service.query.trace("last", &Scope::All).await?.trace;
/// assert_eq!(run.quality.passed, Some(true));
/// service.close().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Service {
    /// The way in.
    pub intake: Arc<Intake>,
    /// The way to ask.
    pub query: Query,
    /// What takes secrets out, unless that is switched off.
    pub redactor: Option<Redactor>,
}

impl Service {
    /// Opens the stores and starts what serves them. Stores that are away now may come later.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the home folder's installation cannot be read or founded.
    pub fn open(config: &Config, role: Role) -> Result<Self> {
        Self::open_with(config, role, Arc::new(SystemClock::default()))
    }

    /// As [`Service::open`], with another clock.
    ///
    /// # Errors
    /// As [`Service::open`].
    pub fn open_with(config: &Config, role: Role, clock: Arc<dyn Clock>) -> Result<Self> {
        let installation = installation(config)?;
        let options = options(config, &installation, role);
        let process = options.process.clone();
        let recorder = Recorder::open(options, Arc::clone(&clock))?;
        let redactor = config.redact.then(|| Redactor::new(installation.redaction_key()));
        let settings = Settings { prompts: config.prompts, scale_max: config.quality.scale_max };
        let minter = Minter::new(process, clock, entropy).disguised(key());
        let gate = Gate::new(redactor.clone(), minter, settings);
        let query = Query::new(recorder.stores().clone());
        let intake = Arc::new(Intake::new(gate, recorder, config.switch.clone()));
        Ok(Self { intake, query, redactor })
    }

    /// The stores alone, for reading: nothing is started, adopted or written.
    #[must_use]
    pub fn stores(config: &Config) -> Stores {
        let index = Index::new(&config.database, config.quality).with_calibration(config.calibration);
        let documents = Documents::new(&config.documents, config.quality).sharing(&index);
        Stores { index, documents, live: Arc::new(Live::default()) }
    }

    /// How a command opens a recorder of this configuration; for looking, not for recording.
    ///
    /// # Errors
    /// As [`Service::open`].
    pub fn recorder_options(config: &Config) -> Result<RecorderOptions> {
        Ok(Self::options_for(config, &installation(config)?))
    }

    /// How a command opens a recorder of this configuration for an installation that is known by other means.
    #[must_use]
    pub fn options_for(config: &Config, installation: &Installation) -> RecorderOptions {
        options(config, installation, Role::Command)
    }

    /// What makes the marks that stand where texts were taken out by hand, also where secrets are not looked for.
    ///
    /// # Errors
    /// As [`Service::open`].
    pub fn marker(config: &Config) -> Result<Redactor> {
        Ok(Redactor::new(installation(config)?.redaction_key()))
    }

    /// Ends orderly. Nothing depends on it.
    pub async fn close(&self) {
        self.intake.recorder().close().await;
    }
}

fn installation(config: &Config) -> Result<Installation> {
    match Installation::open(&config.home) {
        Err(Error::Unavailable { what, reason }) => {
            tracing::warn!(
                "{what} is unavailable ({reason}): secrets are hashed with a key that ends with this process"
            );
            Ok(Installation::ephemeral())
        }
        other => other,
    }
}

fn options(config: &Config, installation: &Installation, role: Role) -> RecorderOptions {
    RecorderOptions {
        home: config.home.clone(),
        database: config.database.clone(),
        documents: config.documents.clone(),
        installation: installation.id.clone(),
        process: process_name(),
        role,
        quality: config.quality,
        calibration: config.calibration,
        abandon_after: config.abandon_after,
        retention: config.retention.clone(),
        require_database: config.require_database,
    }
}

/// A name that no other process of the installation has, nor another recorder of this one.
pub(crate) fn process_name() -> String {
    format!("{}-{:08x}", std::process::id(), entropy())
}

/// 128 random bits; none without entropy from the system, where names still differ.
fn key() -> [u8; 16] {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).unwrap_or_default();
    bytes
}

/// 32 random bits.
pub(crate) fn entropy() -> u32 {
    let mut bytes = [0_u8; 4];
    // Without entropy from the system the name still differs by the process; trace ids are drawn again on collision.
    if getrandom::fill(&mut bytes).is_err() {
        return std::process::id();
    }
    u32::from_le_bytes(bytes)
}
