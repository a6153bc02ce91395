//! Where exported documents go: a folder laid out as a home, a file of JSON Lines, or standard output.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use whytrace::model::{QualityRules, Trace};
use whytrace::store::disk;
use whytrace::store::documents::{Documents, DocumentsTarget};

use crate::cli::output;

/// A place to write documents to.
#[derive(Debug)]
pub(super) enum Destination {
    /// One file a run, laid out as in a home.
    Folder(Documents),
    /// One line a run, under another name until it is whole.
    Lines(Unfinished),
    /// One line a run on standard output.
    Output,
}

/// A file that takes its name only when it is whole; dropped before, it is removed.
#[derive(Debug)]
pub(super) struct Unfinished {
    file: BufWriter<File>,
    name: PathBuf,
    path: PathBuf,
}

impl Destination {
    /// The place that this names: `-`, a file ending in `.jsonl`, or a folder.
    pub(super) fn open(to: &str, rules: QualityRules) -> anyhow::Result<Self> {
        if to == "-" {
            return Ok(Self::Output);
        }
        let path = Path::new(to);
        if path.extension().is_some_and(|ending| ending == "jsonl") && !path.is_dir() {
            return Unfinished::begin(path).map(Self::Lines).with_context(|| to.to_owned());
        }
        if path.exists() && !path.is_dir() {
            bail!("{to} is a file; name a folder, a file ending in .jsonl, or - for standard output");
        }
        disk::create_private_dir(path).with_context(|| to.to_owned())?;
        Ok(Self::Folder(Documents::new(&DocumentsTarget::Folder(path.to_owned()), rules)))
    }

    /// Writes one document.
    pub(super) fn write(&mut self, trace: &Trace) -> anyhow::Result<()> {
        match self {
            Self::Folder(documents) => {
                let path = PathBuf::from(documents.address(&trace.project, &trace.trace_id));
                let mut text = serde_json::to_string_pretty(trace)?;
                text.push('\n');
                if let Some(folder) = path.parent() {
                    disk::create_private_dir(folder).with_context(|| folder.display().to_string())?;
                }
                disk::write_atomically(&path, text.as_bytes()).with_context(|| path.display().to_string())
            }
            Self::Lines(lines) => writeln!(lines.file, "{}", serde_json::to_string(trace)?)
                .with_context(|| lines.path.display().to_string()),
            Self::Output => output::line(&serde_json::to_string(trace)?),
        }
    }

    /// Gives what was written its name.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Lines(mut lines) => lines.finish().with_context(|| lines.path.display().to_string()),
            Self::Folder(_) | Self::Output => Ok(()),
        }
    }
}

impl Unfinished {
    fn begin(path: &Path) -> std::io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            disk::create_private_dir(folder)?;
        }
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".part-{}", disk::unique_suffix()));
        let name = PathBuf::from(name);
        let file = disk::private().create_new(true).open(&name)?;
        Ok(Self { file: BufWriter::new(file), name, path: path.to_owned() })
    }

    fn finish(&mut self) -> std::io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        disk::rename(&self.name, &self.path)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already where it was finished.
        let _ = std::fs::remove_file(&self.name);
    }
}
