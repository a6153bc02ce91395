//! `whytrace delete`: a run, everywhere, for good.

use clap::Args;
use whytrace::config::Config;
use whytrace::service::Service;

use super::Ending;

/// Delete a run.
#[derive(Debug, Args)]
pub(super) struct Delete {
    /// The exact trace id
    trace: String,
}

impl Delete {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let service = Service::open(config)?;
        let existed = service.intake.recorder().delete(&self.trace.parse()?).await?;
        service.close().await;
        if existed {
            eprintln!("Deleted {}.", self.trace);
            Ok(Ending::Done)
        } else {
            eprintln!("There was no trace called {:?}; now there cannot be one.", self.trace);
            Ok(Ending::Trouble)
        }
    }
}
