//! `whytrace import`: documents from elsewhere.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;
use whytrace::config::Config;
use whytrace::maintenance::{Imported, Importer};
use whytrace::service::Service;

use super::{Ending, output, progress};

/// Take in trace documents.
#[derive(Debug, Args)]
#[command(
    after_help = "A file ending in .jsonl holds one document a line; a folder is searched for .json and .jsonl files.\nRuns that are there already stay as they are."
)]
pub(super) struct Import {
    /// Files or folders
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Say the result as JSON
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let mut files = Vec::new();
        for path in &self.paths {
            collect(path, &mut files).with_context(|| path.display().to_string())?;
        }
        let service = Service::open(config)?;
        let mut importer =
            Importer::new(service.intake.recorder().stores().clone(), service.redactor.clone());
        let bar = progress::bar(files.len() as u64, "importing");
        for file in &files {
            for (place, document) in read(file) {
                match document {
                    Ok(document) => importer.take(&place, document).await,
                    Err(reason) => importer.refuse(&place, reason),
                }
            }
            bar.inc(1);
        }
        let done: Imported = importer.finish().await?;
        bar.finish_and_clear();
        service.close().await;
        if self.json {
            output::json(&done)?;
        } else {
            output::line(&format!(
                "{} imported, {} already there, {} refused.",
                done.imported,
                done.known,
                done.refused.len()
            ))?;
        }
        for refused in &done.refused {
            eprintln!("refused: {refused}");
        }
        Ok(if done.refused.is_empty() { Ending::Done } else { Ending::Trouble })
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        // Opened now, so that a name that is wrong is said before anything happens.
        std::fs::File::open(path)?;
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_document = (name.ends_with(".json") || name.ends_with(".jsonl")) && !name.starts_with('_');
        if entry.is_dir() {
            collect(&entry, files)?;
        } else if is_document {
            files.push(entry);
        }
    }
    Ok(())
}

/// The documents of a file, each with its place.
fn read(file: &Path) -> Vec<(String, Result<Value, String>)> {
    let place = file.display().to_string();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return vec![(place, Err(error.to_string()))],
    };
    let parse = |text: &str| serde_json::from_str(text).map_err(|error| error.to_string());
    if file.extension().is_some_and(|ending| ending == "jsonl") {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        return lines.map(|(number, line)| (format!("{place}:{}", number + 1), parse(line))).collect();
    }
    vec![(place, parse(&text))]
}
