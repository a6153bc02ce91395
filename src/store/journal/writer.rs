//! Which segment takes the next records, and when a segment goes.
//!
//! All of this blocks on the disk; it runs in the journal's own thread. The rule of a failure: the segment it
//! happened in is never written again, the records move to a new one, and if that fails too the call fails.
//! A segment is removed when it takes no more records and all it took were released.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use tracing::{debug, info, warn};

use super::files::Files;
use super::header::{self, FORMAT, Header, UNFINISHED_EXTENSION};
use super::segment::Segment;
use super::{JournalOptions, JournalStats, Position};
use crate::store::disk;

/// Owns the segments of one journal.
pub(super) struct Writer {
    files: Box<dyn Files>,
    options: JournalOptions,
    header: Header,
    /// Tells the files of this journal from all others of the same process name.
    unique: String,
    /// How many segments were begun, which is the number of the next.
    begun: u64,
    /// The segment that takes records, if there is one.
    current: Option<(u64, Segment)>,
    /// Those that take no more, by number, until all they hold is released.
    sealed: BTreeMap<u64, Segment>,
    healthy: bool,
}

impl Writer {
    /// Makes the folder; if that fails the writer is unhealthy and tries again at each commit.
    pub(super) fn new(files: Box<dyn Files>, options: JournalOptions) -> Self {
        let header =
            Header { format: FORMAT, stores: options.stores.clone(), process: options.process.clone() };
        let made = files.create_dir(&options.dir);
        if let Err(error) = &made {
            warn!(dir = %options.dir.display(), %error, "journal folder cannot be made");
        }
        Self {
            files,
            options,
            header,
            unique: disk::unique_suffix(),
            begun: 0,
            current: None,
            sealed: BTreeMap::new(),
            healthy: made.is_ok(),
        }
    }

    /// Writes and flushes all of `records`, and says where each lies.
    ///
    /// # Errors
    /// If the disk fails twice in a row. Some of the records may lie in a file all the same; none is needed.
    pub(super) fn commit(&mut self, records: &[&[u8]]) -> io::Result<Vec<Position>> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let mut positions = Vec::with_capacity(records.len());
        let mut rest = records;
        while !rest.is_empty() {
            match self.append(rest).or_else(|error| self.append_elsewhere(rest, &error)) {
                Ok(appended) => {
                    rest = rest.get(appended.len()..).unwrap_or_default();
                    positions.extend(appended);
                }
                Err(error) => {
                    if self.healthy {
                        warn!(dir = %self.options.dir.display(), %error, "journal cannot be written");
                    }
                    self.healthy = false;
                    self.release(&positions);
                    return Err(error);
                }
            }
        }
        if !self.healthy {
            info!(dir = %self.options.dir.display(), "journal is written again");
        }
        self.healthy = true;
        Ok(positions)
    }

    /// Where the last commit failed, begins a new segment, whose header is written and flushed: if that works, so
    /// will a record.
    pub(super) fn try_again(&mut self) {
        if self.healthy {
            return;
        }
        match self.segment_for(&[]) {
            Ok(segment) => {
                self.current = Some(segment);
                self.healthy = true;
                info!(dir = %self.options.dir.display(), "journal can be written again");
            }
            Err(error) => {
                debug!(dir = %self.options.dir.display(), %error, "journal still cannot be written");
            }
        }
    }

    fn append_elsewhere(&mut self, records: &[&[u8]], error: &io::Error) -> io::Result<Vec<Position>> {
        if self.healthy {
            warn!(dir = %self.options.dir.display(), %error, "journal moves on to a new file");
        }
        self.append(records)
    }

    /// Appends as many of `records` as one segment takes.
    fn append(&mut self, records: &[&[u8]]) -> io::Result<Vec<Position>> {
        let (number, mut segment) = self.segment_for(records)?;
        let fitting = records.get(..segment.room(records)).unwrap_or(records);
        match segment.append(self.files.as_ref(), fitting) {
            Ok(indexes) => {
                self.current = Some((number, segment));
                Ok(indexes.map(|index| Position { segment: number, index }).collect())
            }
            Err(error) => {
                self.seal(number, segment);
                Err(error)
            }
        }
    }

    /// Takes the current segment out of its place, or a new one if that is full or its file has vanished.
    fn segment_for(&mut self, records: &[&[u8]]) -> io::Result<(u64, Segment)> {
        if let Some((number, segment)) = self.current.take() {
            let vanished = !segment.path().exists();
            if vanished {
                warn!(path = %segment.path().display(), "journal file was removed by someone else");
            } else if segment.room(records) > 0 {
                return Ok((number, segment));
            }
            self.seal(number, segment);
        }
        let number = self.begun;
        self.begun += 1;
        let path = self.options.dir.join(header::file_name(&self.header, &self.unique, number));
        self.files.create_dir(&self.options.dir)?;
        let segment = Segment::create(
            self.files.as_ref(),
            &path.with_extension(UNFINISHED_EXTENSION),
            path,
            &self.header.encode()?,
            self.options.segment_bytes,
        )?;
        Ok((number, segment))
    }

    /// Notes that these records are no longer needed, and removes the segments that are not.
    pub(super) fn release(&mut self, positions: &[Position]) {
        for position in positions {
            let segment = match &mut self.current {
                Some((number, segment)) if *number == position.segment => Some(segment),
                _ => self.sealed.get_mut(&position.segment),
            };
            if let Some(segment) = segment {
                segment.release(position.index);
            }
        }
        let empty = self.sealed.extract_if(.., |_, segment| segment.outstanding() == 0);
        for (_, segment) in empty.collect::<Vec<_>>() {
            self.remove(segment);
        }
    }

    /// Removes the current segment if it was used and none of its records is needed; says whether it was.
    pub(super) fn retire_if_idle(&mut self) -> bool {
        let idle = self.current.take_if(|(_, segment)| segment.is_used() && segment.outstanding() == 0);
        let retired = idle.is_some();
        if let Some((number, segment)) = idle {
            self.seal(number, segment);
        }
        retired
    }

    /// Takes the current segment out of use, if it was used.
    pub(super) fn renew(&mut self) {
        if let Some((number, segment)) = self.current.take_if(|(_, segment)| segment.is_used()) {
            self.seal(number, segment);
        }
    }

    /// Ends the journal: what nobody needs is removed, the rest is left for adoption.
    pub(super) fn finish(mut self) {
        if let Some((number, segment)) = self.current.take() {
            self.seal(number, segment);
        }
    }

    pub(super) fn stats(&self) -> JournalStats {
        let held = self.sealed.values().chain(self.current.iter().map(|(_, segment)| segment));
        let empty = JournalStats { healthy: self.healthy, ..JournalStats::default() };
        held.fold(empty, |stats, segment| JournalStats {
            segments: stats.segments + 1,
            bytes: stats.bytes + segment.bytes(),
            outstanding: stats.outstanding + segment.outstanding(),
            ..stats
        })
    }

    /// The folder of the journal.
    pub(super) fn dir(&self) -> &Path {
        &self.options.dir
    }

    fn seal(&mut self, number: u64, segment: Segment) {
        if segment.outstanding() == 0 {
            self.remove(segment);
        } else {
            self.sealed.insert(number, segment);
        }
    }

    fn remove(&self, segment: Segment) {
        let path = segment.path().to_owned();
        match segment.remove(self.files.as_ref()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                // Unlocked now, so it will be adopted; replaying it again changes nothing.
                warn!(path = %path.display(), %error, "journal file cannot be removed");
            }
            _ => {}
        }
    }
}
