//! The last known good flags on disk, for a start without a server.
//!
//! One file for each server and SDK key. Its first line is a header with a checksum over all that follows and all that
//! the header says; then come the flags as the server sent them. A file is replaced by renaming a finished one over it,
//! so that a reader finds the old one or the new one, whatever happens in between. What is damaged is put aside.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use hoist_evaluation::FlagSet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::sse::EVENT_BYTES;

/// The form of the file that this version writes, and the only one that it reads.
const FORMAT: u32 = 1;
/// The longest header, in bytes.
const HEADER: usize = 1_024;

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
        if let Some(format) = other_format(&bytes) {
            let detail = format!("they are of format {format}, and this version reads {FORMAT}");
            return Err(CacheTrouble::Unreadable(detail));
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

    /// Keeps flags in the stead of those kept before; all or nothing.
    pub(crate) fn write(&self, set: &FlagSet, confirmed: Timestamp) -> Result<(), CacheTrouble> {
        let unwritable = |error: io::Error| CacheTrouble::Unwritable(error.to_string());
        std::fs::create_dir_all(&self.folder).map_err(unwritable)?;
        // A name of its own, so that two programs with one key do not write into one file.
        let draft = self.file.with_extension(format!("{:016x}.draft", rand::random::<u64>()));
        let written = self.replace(&draft, &encode(set, confirmed));
        if written.is_err() {
            // It may not even have been made.
            let _ = std::fs::remove_file(&draft);
        }
        written.map_err(unwritable)
    }

    fn replace(&self, draft: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(draft, &self.file)?;
        // The new name is on disk only when its folder is.
        File::open(&self.folder)?.sync_all()
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

/// The format of a file that another version wrote; it is left for that version.
fn other_format(bytes: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Any {
        hoist: u32,
    }
    let header = bytes.split(|byte| *byte == b'\n').next()?;
    let Any { hoist } = serde_json::from_slice(header).ok()?;
    (hoist != FORMAT).then_some(hoist)
}

fn parse(bytes: &[u8]) -> Result<Kept, String> {
    let end = bytes.iter().take(HEADER).position(|byte| *byte == b'\n').ok_or("it has no header")?;
    let (header, body) = bytes.split_at(end);
    let header: Header = serde_json::from_slice(header).map_err(|error| format!("its header: {error}"))?;
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
        disk.write(&set(6), second(50)).unwrap();
        disk.write(&set(7), second(60)).unwrap();
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
        disk.write(&set(7), second(60)).unwrap();
        std::fs::write(&disk.file, "{}\n").unwrap();
        assert!(matches!(disk.read(), Err(CacheTrouble::Damaged(_))));
        assert!(disk.read().unwrap().is_none());
        assert!(names(&folder)[0].ends_with(".flags.damaged"), "{:?}", names(&folder));
    }

    #[test]
    fn a_file_of_another_version_is_left_to_it() {
        let (_folder, disk) = disk();
        std::fs::write(&disk.file, "{\"hoist\":2,\"more\":[]}\n").unwrap();
        assert!(matches!(disk.read(), Err(CacheTrouble::Unreadable(_))));
        assert!(disk.file.exists());
    }

    #[test]
    fn what_cannot_be_written_or_read_is_told() {
        let (folder, _) = disk();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let disk = Disk::new(&file, "http://localhost", "key");
        assert!(matches!(disk.write(&set(7), second(60)), Err(CacheTrouble::Unwritable(_))));
        assert!(matches!(disk.read(), Err(CacheTrouble::Unreadable(_))));
    }
}
