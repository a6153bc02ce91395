//! `whytrace doctor`: what disagrees, and what to do about it.

use clap::Args;
use whytrace::config::Config;
use whytrace::maintenance::{self, Severity};
use whytrace::recorder::Role;
use whytrace::service::Service;

use super::{Ending, output};

/// Say what disagrees between journal, documents and database.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Mend what can be mended
    #[arg(long)]
    fix: bool,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let report = if self.fix {
            let service = Service::open(config, Role::Command)?;
            let report = maintenance::mend(service.intake.recorder()).await?;
            service.close().await;
            report
        } else {
            maintenance::examine(&Service::stores(config), &Service::recorder_options(config)?).await
        };
        if self.json {
            output::json(&report)?;
        } else {
            output::line(&format!("home      {}", config.home.display()))?;
            output::line(&format!("database  {}", config.database.describe()))?;
            if let Some(place) = config.documents_elsewhere() {
                output::line(&format!("documents {place}"))?;
            }
            for finding in &report.findings {
                let mark = match finding.severity {
                    Severity::Fine => "ok   ",
                    Severity::Note => "note ",
                    Severity::Problem => "WRONG",
                };
                output::line(&format!("{mark} {}: {}", finding.what, finding.message))?;
                if let Some(remedy) = &finding.remedy {
                    output::line(&format!("      {remedy}"))?;
                }
            }
        }
        Ok(if report.is_healthy() { Ending::Done } else { Ending::Trouble })
    }
}
