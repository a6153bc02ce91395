//! `whytrace import`: documents from elsewhere.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;
use whytrace::config::Config;
use whytrace::maintenance::{Imported, Importer};
use whytrace::recorder::Role;
use whytrace::service::Service;

use super::{Ending, answer, output, progress};

/// Take in trace documents.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace import runs/ more/run.json
  whytrace import runs.jsonl --json

A file ending in .jsonl holds one document a line; a folder is searched for .json and .jsonl files.
Runs that are there already stay as they are.")]
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
        let mut found = Found::default();
        for path in &self.paths {
            found.add(path).with_context(|| path.display().to_string())?;
        }
        answer::before_a_change(config).await?;
        let service = Service::open(config, Role::Command)?;
        let mut importer =
            Importer::new(service.intake.recorder().stores().clone(), service.redactor.clone());
        let bar = progress::bytes(found.bytes, "importing");
        for file in &found.files {
            let mut reading = Reading::open(file);
            while let Some(Document { place, content, bytes }) = reading.next() {
                match content {
                    Ok(document) => importer.take(&place, document).await,
                    Err(reason) => importer.refuse(&place, reason),
                }
                bar.inc(bytes);
            }
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

/// The files that paths lead to.
#[derive(Debug, Default)]
struct Found {
    files: Vec<PathBuf>,
    /// What they hold together.
    bytes: u64,
    /// Folders that were searched, by their real paths: a link back to one of them is not followed again.
    searched: HashSet<PathBuf>,
}

impl Found {
    /// Adds a file, or what a folder holds.
    fn add(&mut self, path: &Path) -> std::io::Result<()> {
        if path.is_dir() {
            return self.search(path);
        }
        // Opened now, so that a name that is wrong is said before anything happens.
        File::open(path)?;
        self.take(path.to_owned());
        Ok(())
    }

    fn search(&mut self, folder: &Path) -> std::io::Result<()> {
        if !self.searched.insert(folder.canonicalize()?) {
            return Ok(());
        }
        let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
        let mut entries: Vec<PathBuf> = entries.collect::<Result<_, _>>()?;
        entries.sort();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_document = (name.ends_with(".json") || name.ends_with(".jsonl")) && !name.starts_with('_');
            if entry.is_dir() {
                self.search(&entry)?;
            } else if is_document {
                self.take(entry);
            }
        }
        Ok(())
    }

    fn take(&mut self, file: PathBuf) {
        self.bytes += file.metadata().map_or(0, |metadata| metadata.len());
        self.files.push(file);
    }
}

/// A document as it was read.
struct Document {
    /// Where it stands: the file, and in JSON Lines the line.
    place: String,
    content: Result<Value, String>,
    /// How much of the file it takes up.
    bytes: u64,
}

/// The documents of a file, one at a time: a file of JSON Lines may be larger than the memory.
enum Reading {
    /// JSON Lines, with the number of the line that was read last.
    Lines { place: String, file: BufReader<File>, number: u64 },
    /// A file that is one document, or cannot be read.
    Whole(Option<Document>),
}

impl Reading {
    fn open(path: &Path) -> Self {
        let place = path.display().to_string();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            return match File::open(path) {
                Ok(file) => Self::Lines { place, file: BufReader::new(file), number: 0 },
                Err(error) => {
                    Self::Whole(Some(Document { place, content: Err(error.to_string()), bytes: 0 }))
                }
            };
        }
        let read = std::fs::read(path).map_err(|error| error.to_string());
        let bytes = read.as_ref().map_or(0, |bytes| bytes.len() as u64);
        Self::Whole(Some(Document { place, content: read.and_then(|bytes| parsed(&bytes)), bytes }))
    }

    fn next(&mut self) -> Option<Document> {
        let (place, file, number) = match self {
            Self::Whole(document) => return document.take(),
            Self::Lines { place, file, number } => (place, file, number),
        };
        loop {
            let mut line = Vec::new();
            *number += 1;
            let place = format!("{place}:{number}");
            match file.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) if line.trim_ascii().is_empty() => {}
                Ok(bytes) => return Some(Document { place, content: parsed(&line), bytes: bytes as u64 }),
                Err(error) => {
                    *self = Self::Whole(None);
                    return Some(Document { place, content: Err(error.to_string()), bytes: 0 });
                }
            }
        }
    }
}

fn parsed(bytes: &[u8]) -> Result<Value, String> {
    // Some editors begin a file with a mark of its byte order.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}
