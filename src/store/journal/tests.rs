//! What the journal promises its callers, on a disk that works.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Barrier;

use futures::FutureExt;
use futures::future::join_all;
use tempfile::TempDir;

use super::*;

const STORES: &str = "installation-1";

fn options(dir: &Path) -> JournalOptions {
    JournalOptions::new(dir, STORES, "p-1")
}

/// Segments of this size take three of the test's records.
fn small_options(dir: &Path) -> JournalOptions {
    JournalOptions { segment_bytes: 400, ..options(dir) }
}

fn writer(options: JournalOptions) -> Writer {
    Writer::new(Box::new(Disk), options)
}

fn record(number: usize) -> Vec<u8> {
    format!("record {number:04} {}", "x".repeat(60)).into_bytes()
}

fn commit(writer: &mut Writer, numbers: std::ops::Range<usize>) -> Vec<Position> {
    let records: Vec<_> = numbers.map(record).collect();
    writer.commit(&records.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
}

fn adopted_records(dir: &Path) -> Vec<Vec<u8>> {
    adopt(dir, STORES).unwrap().iter().flat_map(|journal| journal.records().unwrap()).collect()
}

fn file_count(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_at_once_are_all_answered_and_all_on_disk() {
    let dir = TempDir::new().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    let appends = (0..200).map(|number| {
        let journal = journal.clone();
        tokio::spawn(async move { journal.append(vec![record(number), record(1000 + number)]).await })
    });
    let mut positions = BTreeSet::new();
    for answer in join_all(appends).await {
        positions.extend(answer.unwrap().unwrap());
    }
    assert_eq!(positions.len(), 400);
    assert_eq!(journal.stats().outstanding, 400);
    journal.close().await;
    let found: BTreeSet<_> = adopted_records(dir.path()).into_iter().collect();
    assert_eq!(found, (0..200).chain(1000..1200).map(record).collect());
}

#[tokio::test]
async fn more_than_the_queue_holds_is_written_all_the_same() {
    let dir = TempDir::new().unwrap();
    let options = JournalOptions { queue_bytes: 100, ..small_options(dir.path()) };
    let journal = Journal::open(options).unwrap();
    let appends = (0..20).map(|number| journal.append(vec![record(number); 3]));
    assert!(join_all(appends).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_record_over_the_limit_is_refused_and_the_largest_one_is_taken() {
    let dir = TempDir::new().unwrap();
    let journal = Journal::open(small_options(dir.path())).unwrap();
    let refused = journal.append(vec![record(1), vec![0; MAX_RECORD_BYTES + 1]]).await;
    assert!(matches!(refused, Err(JournalError::TooLarge(size)) if size == MAX_RECORD_BYTES + 1));
    let largest = vec![7; MAX_RECORD_BYTES];
    journal.append(vec![largest.clone()]).await.unwrap();
    journal.close().await;
    assert_eq!(adopted_records(dir.path()), [largest]);
}

#[tokio::test]
async fn a_dropped_append_is_written_and_counted() {
    let dir = TempDir::new().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    // Polled once, so that it is queued, and then dropped.
    let dropped = journal.append(vec![record(1)]).now_or_never();
    journal.append(vec![record(2)]).await.unwrap();
    journal.retire_if_idle().await;
    assert_eq!(journal.stats().unclaimed, usize::from(dropped.is_none()));
    journal.close().await;
    assert_eq!(adopted_records(dir.path()), [record(1), record(2)]);
}

#[tokio::test]
async fn closing_removes_what_is_released_and_leaves_the_rest() {
    let dir = TempDir::new().unwrap();
    let journal = Journal::open(small_options(dir.path())).unwrap();
    let positions = journal.append((0..9).map(record).collect()).await.unwrap();
    assert_eq!(journal.stats().segments, 3);
    journal.release(&positions[..4]);
    journal.release(&positions[6..]);
    let clone = journal.clone();
    journal.close().await;
    assert_eq!(adopted_records(dir.path()), (3..6).map(record).collect::<Vec<_>>());
    assert!(matches!(clone.append(vec![record(1)]).await, Err(JournalError::Closed)));
    assert!(!clone.is_healthy());
    clone.close().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_fails_appends_until_it_can() {
    let dir = TempDir::new().unwrap();
    let taken = dir.path().join("journal");
    fs::write(&taken, b"in the way").unwrap();
    let journal = Journal::open(options(&taken)).unwrap();
    assert!(!journal.is_healthy());
    for _ in 0..3 {
        assert!(matches!(journal.append(vec![record(1)]).await, Err(JournalError::Write { .. })));
        assert!(!journal.is_healthy());
    }
    fs::remove_file(&taken).unwrap();
    journal.append(vec![record(2)]).await.unwrap();
    assert!(journal.is_healthy());
    journal.close().await;
    assert_eq!(adopted_records(&taken), [record(2)]);
}

#[tokio::test]
async fn a_journal_that_is_not_used_makes_no_file() {
    let dir = TempDir::new().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    assert!(journal.is_healthy());
    assert!(journal.append(vec![]).await.unwrap().is_empty());
    assert!(!journal.retire_if_idle().await);
    assert_eq!(file_count(dir.path()), 0);
}

#[tokio::test]
async fn an_idle_journal_gives_its_space_back_and_goes_on() {
    let dir = TempDir::new().unwrap();
    let journal = Journal::open(options(dir.path())).unwrap();
    let positions = journal.append(vec![record(1)]).await.unwrap();
    assert!(!journal.retire_if_idle().await);
    journal.release(&positions);
    assert!(journal.retire_if_idle().await);
    assert_eq!(journal.stats(), JournalStats { healthy: true, ..JournalStats::default() });
    assert_eq!(file_count(dir.path()), 0);
    let again = journal.append(vec![record(2)]).await.unwrap();
    journal.release(&positions);
    assert_eq!(journal.stats().outstanding, again.len());
}

#[test]
fn options_out_of_range_are_refused() {
    let dir = TempDir::new().unwrap();
    for process in ["", "../up", "a.b", "ü", &"x".repeat(65)] {
        let opened = Journal::open(JournalOptions::new(dir.path(), STORES, process));
        assert!(matches!(opened, Err(JournalError::InvalidProcess(_))), "{process:?}");
    }
    let opened = Journal::open(JournalOptions::new(dir.path(), "", "p-1"));
    assert!(matches!(opened, Err(JournalError::InvalidStores(0))));
}

#[test]
fn a_full_segment_goes_when_its_last_record_is_released() {
    let dir = TempDir::new().unwrap();
    let mut writer = writer(small_options(dir.path()));
    let positions = commit(&mut writer, 0..7);
    assert_eq!(file_count(dir.path()), 3);
    writer.release(&positions[1..3]);
    writer.release(&positions[1..3]);
    assert_eq!(file_count(dir.path()), 3);
    writer.release(&positions[..1]);
    assert_eq!(file_count(dir.path()), 2);
    writer.release(&positions[6..]);
    assert_eq!(file_count(dir.path()), 2, "the segment in use stays");
    drop(writer);
    assert_eq!(adopted_records(dir.path()), (3..7).map(record).collect::<Vec<_>>());
}

#[test]
fn a_file_removed_by_someone_else_is_replaced() {
    let dir = TempDir::new().unwrap();
    let mut writer = writer(options(dir.path()));
    commit(&mut writer, 0..1);
    fs::remove_dir_all(dir.path()).unwrap();
    commit(&mut writer, 1..2);
    drop(writer);
    assert_eq!(adopted_records(dir.path()), [record(1)]);
}

#[test]
fn the_living_are_not_adopted_and_the_dead_are() {
    let dir = TempDir::new().unwrap();
    let mut writer = writer(options(dir.path()));
    commit(&mut writer, 0..2);
    let found = survey(dir.path(), STORES).unwrap();
    assert_eq!((found.live.len(), found.adoptable.len()), (1, 0));
    assert!(adopt(dir.path(), STORES).unwrap().is_empty());
    drop(writer);
    let found = survey(dir.path(), STORES).unwrap();
    assert_eq!((found.live.len(), found.adoptable.len()), (0, 1));
    let adopted = adopt(dir.path(), STORES).unwrap();
    assert_eq!(survey(dir.path(), STORES).unwrap().live, [adopted[0].path()]);
    for journal in adopted {
        assert_eq!(journal.records().unwrap().count(), 2);
        assert_eq!(journal.records().unwrap().count(), 2, "reading is repeatable");
        journal.discard().unwrap();
    }
    assert_eq!(survey(dir.path(), STORES).unwrap(), Survey::default());
}

#[test]
fn of_many_that_adopt_at_once_one_gets_each_journal() {
    let dir = TempDir::new().unwrap();
    for round in 0..20 {
        let mut writer = writer(small_options(dir.path()));
        commit(&mut writer, 0..9);
        drop(writer);
        let barrier = Barrier::new(4);
        let adopters = || {
            barrier.wait();
            let adopted = adopt(dir.path(), STORES).unwrap();
            barrier.wait();
            adopted
        };
        let adopted: Vec<_> = std::thread::scope(|scope| {
            let adopters: Vec<_> = (0..4).map(|_| scope.spawn(adopters)).collect();
            adopters.into_iter().flat_map(|adopter| adopter.join().unwrap()).collect()
        });
        let paths: BTreeSet<_> = adopted.iter().map(|journal| journal.path().to_owned()).collect();
        assert_eq!((adopted.len(), paths.len()), (3, 3), "round {round}");
        adopted.into_iter().for_each(|journal| journal.discard().unwrap());
    }
}

#[test]
fn journals_of_others_and_damaged_ones_are_named_and_left_as_they_are() {
    let dir = TempDir::new().unwrap();
    let mut theirs = writer(JournalOptions::new(dir.path(), "others", "p-2"));
    commit(&mut theirs, 0..1);
    drop(theirs);
    fs::write(dir.path().join("junk.journal"), b"not a journal").unwrap();
    fs::write(dir.path().join("junk.unfinished"), b"not a journal").unwrap();
    fs::write(dir.path().join("notes.txt"), b"not a journal").unwrap();
    let found = survey(dir.path(), STORES).unwrap();
    assert!(adopt(dir.path(), STORES).unwrap().is_empty());
    assert_eq!(found.foreign.len(), 1);
    assert_eq!(found.foreign[0].stores.as_deref(), Some("others"));
    assert_eq!(found.damaged, [dir.path().join("junk.journal")]);
    assert_eq!((found.live.len(), found.adoptable.len()), (0, 0));
    assert_eq!(file_count(dir.path()), 4);
}

#[test]
fn a_journal_with_a_damaged_header_is_adopted_by_its_name() {
    let dir = TempDir::new().unwrap();
    let mut writer = writer(options(dir.path()));
    commit(&mut writer, 0..3);
    drop(writer);
    let path = survey(dir.path(), STORES).unwrap().adoptable.remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[..20].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let adopted = adopt(dir.path(), STORES).unwrap();
    let mut records = adopted[0].records().unwrap();
    assert_eq!(records.by_ref().count(), 3);
    assert_eq!(records.damaged_spans(), 1);
}

#[test]
fn a_file_begun_by_a_dead_process_is_swept_up() {
    let dir = TempDir::new().unwrap();
    let mut writer = writer(options(dir.path()));
    commit(&mut writer, 0..1);
    drop(writer);
    let path = survey(dir.path(), STORES).unwrap().adoptable.remove(0);
    fs::rename(&path, path.with_extension("unfinished")).unwrap();
    assert!(adopt(dir.path(), STORES).unwrap().is_empty());
    assert_eq!(file_count(dir.path()), 0);
}

#[test]
fn a_folder_that_does_not_exist_holds_nothing() {
    let dir = TempDir::new().unwrap();
    let missing = dir.path().join("missing");
    assert_eq!(survey(&missing, STORES).unwrap(), Survey::default());
    assert!(adopt(&missing, STORES).unwrap().is_empty());
}

#[cfg(unix)]
#[test]
fn files_are_readable_by_their_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("journal");
    let mut writer = writer(options(&folder));
    commit(&mut writer, 0..1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&survey(&folder, STORES).unwrap().live[0]), 0o600);
}
