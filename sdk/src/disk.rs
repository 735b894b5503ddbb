//! The last known good flags on disk, for a start without a server.
//!
//! One file for each server and SDK key. Its first line is a header with a checksum over all that follows and all that
//! the header says; then come the flags as the server sent them. A file is replaced by renaming a finished one over it,
//! so that a reader finds the old one or the new one, whatever happens in between. What is damaged is put aside.
//!
//! Several programs may share a folder. They write one at a time, under a lock on the folder, and none replaces what
//! another has from a later revision.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hoist_evaluation::FlagSet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::sse::EVENT_BYTES;

/// The form of the file that this version writes, and the only one that it reads.
const FORMAT: u32 = 1;
/// The longest header, in bytes.
const HEADER: usize = 1_024;
/// The ending of a file that is not finished.
const DRAFT: &str = ".draft";
/// How long a later revision on disk holds that nobody confirms any more. Whoever has it confirms it each minute, so
/// that after this the server has gone back, as from a backup.
const HELD: Duration = Duration::from_mins(5);
/// How far clocks may differ before it is told.
const TOLERANCE: Duration = Duration::from_secs(5);

/// What is wrong with the copy of the flags on disk. None of it changes an answer or the [`Status`](crate::Status).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheTrouble {
    /// The file was torn or edited; it was put aside under the same name with `.damaged` after it.
    #[error("the flags on disk are damaged and were put aside: {0}")]
    Damaged(String),
    /// The file cannot be read, or not in time.
    #[error("the flags on disk cannot be read: {0}")]
    Unreadable(String),
    /// A later version of this crate wrote the file. It is left as it is: neither read nor replaced.
    #[error("the flags on disk are of format {0}, which this version neither reads nor replaces")]
    Newer(u32),
    /// The file says that it was confirmed in the future: this machine's clock was set back since, or was wrong then.
    /// The flags are used, and the age that is told counts from the start of this run.
    #[error("the age of the flags on disk is unknown: by this machine's clock they are from the future, {0}")]
    Clock(Timestamp),
    /// The file cannot be written: the disk is full, or may not be written to.
    #[error("the flags cannot be kept on disk: {0}")]
    Unwritable(String),
}

/// Where one client's flags are kept.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    file: PathBuf,
}

/// What was kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) set: FlagSet,
    /// When the server last confirmed these flags.
    pub(crate) confirmed: Timestamp,
}

impl Kept {
    /// How old these flags are; none when they say that they are from the future.
    pub(crate) fn age(&self, now: Timestamp) -> Option<Duration> {
        let age = now.duration_since(self.confirmed);
        match Duration::try_from(age) {
            Ok(age) => Some(age),
            Err(_) => (age.unsigned_abs() <= TOLERANCE).then_some(Duration::ZERO),
        }
    }
}

/// What became of flags that were to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// They are on disk.
    Kept,
    /// What is there is better: another program has a later revision, or a later confirmation of this one.
    Outdone,
    /// Another program writes at this moment.
    Busy,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    hoist: u32,
    revision: u64,
    confirmed_ms: i64,
    sha256: String,
}

impl Disk {
    /// The file of a server and a key in a folder. Its name tells neither.
    pub(crate) fn new(folder: &Path, url: &str, sdk_key: &str) -> Disk {
        let name = hex(&Sha256::digest(format!("{}\n{sdk_key}", url.trim_end_matches('/'))));
        let name = name.get(..32).unwrap_or(&name);
        Disk { folder: folder.to_owned(), file: folder.join(format!("hoist-{name}.flags")) }
    }

    /// Reads what was kept; none when nothing was. A damaged file is put aside.
    pub(crate) fn read(&self) -> Result<Option<Kept>, CacheTrouble> {
        let unreadable = |error: io::Error| CacheTrouble::Unreadable(error.to_string());
        let file = match File::open(&self.file) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let most = (HEADER + EVENT_BYTES) as u64;
        let mut bytes = Vec::new();
        file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if let Some(format) = later_format(&bytes) {
            return Err(CacheTrouble::Newer(format));
        }
        let kept = if bytes.len() as u64 > most { Err("it is too large".to_owned()) } else { parse(&bytes) };
        kept.map(Some).map_err(|detail| {
            let mut aside = self.file.clone().into_os_string();
            aside.push(".damaged");
            match std::fs::rename(&self.file, aside) {
                Ok(()) => CacheTrouble::Damaged(detail),
                Err(error) => CacheTrouble::Damaged(format!("{detail}; it stays where it is: {error}")),
            }
        })
    }

    /// Keeps flags in the stead of those kept before, unless those are better; all or nothing.
    pub(crate) fn write(
        &self,
        set: &FlagSet,
        confirmed: Timestamp,
        now: Timestamp,
    ) -> Result<Outcome, CacheTrouble> {
        let unwritable = |error: io::Error| CacheTrouble::Unwritable(error.to_string());
        self.make_folder().map_err(unwritable)?;
        let folder = File::open(&self.folder).map_err(unwritable)?;
        // The lock goes with the file. Where a file system has none, the last program to write wins.
        match folder.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(Outcome::Busy),
            Ok(()) => self.remove_drafts(),
            Err(TryLockError::Error(_)) => {}
        }
        if let Some(there) = self.header()? {
            let confirmed_there = Timestamp::from_millisecond(there.confirmed_ms).unwrap_or_default();
            if outdoes((there.revision, confirmed_there), (set.revision, confirmed), now) {
                return Ok(Outcome::Outdone);
            }
        }
        // A name of its own, for where there are no locks.
        let draft = self.file.with_extension(format!("{:016x}{DRAFT}", rand::random::<u64>()));
        let written = self.replace(&folder, &draft, &encode(set, confirmed));
        if written.is_err() {
            // It may not even have been made.
            let _ = std::fs::remove_file(&draft);
        }
        written.map(|()| Outcome::Kept).map_err(unwritable)
    }

    /// Makes the folder, for its owner only; one that is there stays as it is.
    fn make_folder(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.folder)
    }

    /// Removes what a program left that ended while it wrote. For whoever holds the lock.
    fn remove_drafts(&self) {
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.strip_prefix(&*stem).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(DRAFT)) {
                // It is in nobody's way.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// What the file says of itself, if there is one that says anything; fails when it is a later version's.
    fn header(&self) -> Result<Option<Header>, CacheTrouble> {
        let mut bytes = Vec::new();
        let read = File::open(&self.file).and_then(|file| file.take(HEADER as u64).read_to_end(&mut bytes));
        if read.is_err() {
            return Ok(None);
        }
        match later_format(&bytes) {
            Some(format) => Err(CacheTrouble::Newer(format)),
            None => Ok(serde_json::from_slice(first_line(&bytes)).ok()),
        }
    }

    fn replace(&self, folder: &File, draft: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(draft, &self.file)?;
        // The new name is on disk only when its folder is.
        folder.sync_all()
    }
}

/// Whether what is on disk is better than what is to be written; both are a revision and when it was last confirmed.
fn outdoes(there: (u64, Timestamp), here: (u64, Timestamp), now: Timestamp) -> bool {
    let is_from_future = there.1.duration_since(now).unsigned_abs() > TOLERANCE && there.1 > now;
    match there.0.cmp(&here.0) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => there.1 > here.1 && !is_from_future,
        std::cmp::Ordering::Greater => {
            Duration::try_from(here.1.duration_since(there.1)).map_or(true, |since| since <= HELD)
        }
    }
}

fn encode(set: &FlagSet, confirmed: Timestamp) -> Vec<u8> {
    let body = serde_json::to_vec(set).unwrap_or_default();
    let (revision, confirmed_ms) = (set.revision, confirmed.as_millisecond());
    let sha256 = checksum(revision, confirmed_ms, &body);
    let header = Header { hoist: FORMAT, revision, confirmed_ms, sha256 };
    let mut bytes = serde_json::to_vec(&header).unwrap_or_default();
    bytes.push(b'\n');
    bytes.extend_from_slice(&body);
    bytes
}

/// The format of a file that a later version wrote.
fn later_format(bytes: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Any {
        hoist: u32,
    }
    let Any { hoist } = serde_json::from_slice(first_line(bytes)).ok()?;
    (hoist > FORMAT).then_some(hoist)
}

fn first_line(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

fn parse(bytes: &[u8]) -> Result<Kept, String> {
    let end = bytes.iter().take(HEADER).position(|byte| *byte == b'\n').ok_or("it has no header")?;
    let (header, body) = bytes.split_at(end);
    let header: Header = serde_json::from_slice(header).map_err(|error| format!("its header: {error}"))?;
    if header.hoist != FORMAT {
        return Err(format!("it is of format {}, which never was", header.hoist));
    }
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    if checksum(header.revision, header.confirmed_ms, body) != header.sha256 {
        return Err("its checksum is another".to_owned());
    }
    let set: FlagSet = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if set.revision != header.revision {
        return Err("it says two revisions".to_owned());
    }
    let confirmed = Timestamp::from_millisecond(header.confirmed_ms).map_err(|error| error.to_string())?;
    Ok(Kept { set, confirmed })
}

fn checksum(revision: u64, confirmed_ms: i64, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{FORMAT} {revision} {confirmed_ms}\n"));
    hash.update(body);
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    const FLAGS: &str = r#"{"project":"p","environment":"e","revision":7,"flags":{"f":{"type":"boolean","operator":"from the future"}},"segments":{}}"#;

    fn set(revision: u64) -> FlagSet {
        serde_json::from_str(&FLAGS.replace(":7,", &format!(":{revision},"))).unwrap()
    }

    fn disk() -> (TempDir, Disk) {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path(), "http://localhost", "key");
        (folder, disk)
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn write(disk: &Disk, revision: u64, confirmed: i64, now: i64) -> Outcome {
        disk.write(&set(revision), second(confirmed), second(now)).unwrap()
    }

    fn kept(disk: &Disk) -> (u64, Timestamp) {
        let kept = disk.read().unwrap().unwrap();
        (kept.set.revision, kept.confirmed)
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let names = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_kept_is_read_back_as_it_was() {
        let (folder, disk) = disk();
        assert!(disk.read().unwrap().is_none());
        write(&disk, 6, 50, 50);
        write(&disk, 7, 60, 60);
        let kept = disk.read().unwrap().unwrap();
        assert_eq!((serde_json::to_string(&kept.set).unwrap().as_str(), kept.confirmed), (FLAGS, second(60)));
        assert_eq!(names(&folder).len(), 1, "no draft is left");
    }

    #[test]
    fn each_server_and_key_has_a_file_that_tells_neither() {
        let folder = Path::new("cache");
        let name = |url: &str, key: &str| Disk::new(folder, url, key).file.display().to_string();
        let own = name("http://localhost", "hoist_sdk_secret");
        assert!(!own.contains("secret") && !own.contains("localhost"), "{own}");
        assert_ne!(own, name("http://localhost", "another"));
        assert_ne!(own, name("http://elsewhere", "hoist_sdk_secret"));
        assert_eq!(own, name("http://localhost/", "hoist_sdk_secret"), "a slash makes no other server");
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_file_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, _) = disk();
        let folder = folder.path().join("shop").join("flags");
        let disk = Disk::new(&folder, "http://localhost", "key");
        write(&disk, 7, 60, 60);
        for (path, mode) in [(&folder, 0o700), (&disk.file, 0o600)] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{path:?}");
        }
    }

    #[test]
    fn what_another_program_has_later_is_not_replaced() {
        let (_folder, disk) = disk();
        let other = disk.clone();
        write(&other, 7, 1_000, 1_000);
        assert_eq!(write(&disk, 6, 1_100, 1_100), Outcome::Outdone, "an earlier revision");
        assert_eq!(write(&disk, 7, 990, 1_100), Outcome::Outdone, "an earlier confirmation");
        assert_eq!(kept(&disk), (7, second(1_000)));
        assert_eq!(write(&disk, 7, 1_100, 1_100), Outcome::Kept, "a later confirmation");
        assert_eq!(write(&disk, 8, 1_050, 1_200), Outcome::Kept, "a later revision");
        assert_eq!(kept(&disk), (8, second(1_050)));
    }

    #[test]
    fn a_revision_that_the_server_took_back_gives_way_when_nobody_confirms_it() {
        let (_folder, disk) = disk();
        write(&disk, 1_000, 1_000, 1_000);
        assert_eq!(write(&disk, 7, 1_300, 1_300), Outcome::Outdone);
        assert_eq!(write(&disk, 7, 1_301, 1_301), Outcome::Kept);
        assert_eq!(kept(&disk), (7, second(1_301)));
    }

    #[test]
    fn a_confirmation_from_the_future_does_not_last() {
        let (_folder, disk) = disk();
        write(&disk, 7, 9_000, 9_000);
        assert_eq!(write(&disk, 7, 1_000, 1_000), Outcome::Kept, "the clock was set back");
        assert_eq!(kept(&disk), (7, second(1_000)));
    }

    #[test]
    fn an_age_is_told_unless_it_is_none() {
        let kept = Kept { set: set(7), confirmed: second(1_000) };
        for (now, age) in [(1_000, Some(0)), (1_060, Some(60)), (995, Some(0)), (994, None)] {
            assert_eq!(kept.age(second(now)), age.map(Duration::from_secs), "{now}");
        }
    }

    #[test]
    fn one_program_writes_at_a_time() {
        let (folder, disk) = disk();
        let other = File::open(folder.path()).unwrap();
        other.lock().unwrap();
        assert_eq!(write(&disk, 7, 60, 60), Outcome::Busy);
        other.unlock().unwrap();
        assert_eq!(write(&disk, 7, 60, 60), Outcome::Kept);
    }

    #[test]
    fn what_an_interrupted_write_left_is_removed() {
        let (folder, disk) = disk();
        let elsewhere = Disk::new(folder.path(), "http://elsewhere", "key");
        for of in [&disk, &elsewhere] {
            std::fs::write(of.file.with_extension("0123456789abcdef.draft"), "{").unwrap();
        }
        write(&disk, 7, 60, 60);
        let drafts: Vec<_> = names(&folder).into_iter().filter(|name| name.ends_with(DRAFT)).collect();
        assert_eq!(drafts.len(), 1, "the other client's may be in use: {drafts:?}");
    }

    #[test]
    fn no_byte_can_be_lost_or_changed_unnoticed() {
        let bytes = encode(&set(7), second(60));
        assert!(parse(&bytes).is_ok());
        for at in 0..bytes.len() {
            assert!(parse(&bytes[..at]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << bit;
                if let Ok(kept) = parse(&bytes) {
                    // A name of an unknown field of the header, or the like.
                    let same =
                        serde_json::to_string(&kept.set).unwrap() == FLAGS && kept.confirmed == second(60);
                    assert!(same, "bit {bit} of byte {at}");
                }
            }
        }
        assert!(parse(&[bytes, b" ".to_vec()].concat()).is_err());
    }

    #[test]
    fn a_damaged_file_is_put_aside_and_not_read_again() {
        let (folder, disk) = disk();
        write(&disk, 7, 60, 60);
        std::fs::write(&disk.file, "{}\n").unwrap();
        assert!(matches!(disk.read(), Err(CacheTrouble::Damaged(_))));
        assert!(disk.read().unwrap().is_none());
        assert!(names(&folder)[0].ends_with(".flags.damaged"), "{:?}", names(&folder));
    }

    #[test]
    fn a_file_of_a_later_version_is_left_to_it() {
        let (folder, disk) = disk();
        let text = "{\"hoist\":2,\"more\":[]}\n";
        std::fs::write(&disk.file, text).unwrap();
        assert_eq!(disk.read().unwrap_err(), CacheTrouble::Newer(2));
        assert_eq!(disk.write(&set(7), second(60), second(60)), Err(CacheTrouble::Newer(2)));
        assert_eq!(std::fs::read_to_string(&disk.file).unwrap(), text);
        assert_eq!(names(&folder).len(), 1);
        std::fs::write(&disk.file, text.replace('2', "0")).unwrap();
        assert!(matches!(disk.read(), Err(CacheTrouble::Damaged(_))), "there was no earlier format");
    }

    #[test]
    fn what_cannot_be_written_or_read_is_told() {
        let (folder, _) = disk();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let disk = Disk::new(&file, "http://localhost", "key");
        assert!(matches!(disk.write(&set(7), second(60), second(60)), Err(CacheTrouble::Unwritable(_))));
        assert!(matches!(disk.read(), Err(CacheTrouble::Unreadable(_))));
    }

    /// Changes to a file, each at a share of its length.
    #[derive(Clone, Debug)]
    enum Edit {
        Cut(f64),
        Put(f64, Vec<u8>),
        Insert(f64, Vec<u8>),
        Remove(f64, usize),
    }

    impl Edit {
        fn apply(&self, bytes: &mut Vec<u8>) {
            let length = bytes.len();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a place, not a figure"
            )]
            let at = |share: f64| ((length as f64 * share) as usize).min(length);
            match self {
                Edit::Cut(share) => bytes.truncate(at(*share)),
                Edit::Put(share, new) => {
                    for (old, new) in bytes[at(*share)..].iter_mut().zip(new) {
                        *old = *new;
                    }
                }
                Edit::Insert(share, new) => {
                    bytes.splice(at(*share)..at(*share), new.iter().copied());
                }
                Edit::Remove(share, count) => {
                    bytes.drain(at(*share)..(at(*share) + count).min(length));
                }
            }
        }
    }

    fn edits() -> impl Strategy<Value = Edit> {
        let bytes = || {
            prop_oneof![
                prop::collection::vec(any::<u8>(), 1..9),
                "[0-9a-f{}\":,\n]{1,8}".prop_map(String::into_bytes)
            ]
        };
        prop_oneof![
            (0.0..1.0).prop_map(Edit::Cut),
            (0.0..1.0, bytes()).prop_map(|(share, new)| Edit::Put(share, new)),
            (0.0..=1.0, bytes()).prop_map(|(share, new)| Edit::Insert(share, new)),
            (0.0..1.0, 1..40_usize).prop_map(|(share, count)| Edit::Remove(share, count)),
        ]
    }

    /// Whether a file with these bytes is believed to be what was kept at this time, or is not believed at all.
    fn told_truly(bytes: &[u8], confirmed: Timestamp) -> bool {
        let (_folder, disk) = disk();
        std::fs::write(&disk.file, bytes).unwrap();
        match disk.read() {
            // Blanks in the header are nothing.
            Ok(Some(kept)) => {
                serde_json::to_string(&kept.set).unwrap() == FLAGS && kept.confirmed == confirmed
            }
            Ok(None) => false,
            Err(CacheTrouble::Newer(_)) => disk.file.exists(),
            Err(_) => !disk.file.exists(),
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_believed_that_were_not_written_by_us(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(parse(&bytes).is_err());
            prop_assert!(told_truly(&bytes, second(0)));
        }

        #[test]
        fn no_header_is_believed_that_does_not_fit_its_body(
            revision in any::<u64>(),
            confirmed_ms in any::<i64>(),
            body in ".{0,200}",
        ) {
            // A sum that fits is no proof of flags.
            let sha256 = checksum(revision, confirmed_ms, body.as_bytes());
            let header = Header { hoist: FORMAT, revision, confirmed_ms, sha256 };
            let file = format!("{}\n{body}", serde_json::to_string(&header).unwrap());
            prop_assert!(parse(file.as_bytes()).is_err());
            let sha256 = checksum(revision, confirmed_ms, FLAGS.as_bytes());
            let file = serde_json::to_string(&Header { hoist: FORMAT, revision, confirmed_ms, sha256 }).unwrap();
            let file = format!("{file}\n{FLAGS}");
            prop_assert_eq!(parse(file.as_bytes()).is_ok(), revision == 7 && Timestamp::from_millisecond(confirmed_ms).is_ok());
        }

        #[test]
        fn no_edit_goes_unnoticed(confirmed in 0..2_000_000_000_i64, edits in prop::collection::vec(edits(), 1..4)) {
            let confirmed = second(confirmed);
            let mut bytes = encode(&set(7), confirmed);
            for edit in &edits {
                edit.apply(&mut bytes);
            }
            prop_assert!(told_truly(&bytes, confirmed));
        }
    }
}
