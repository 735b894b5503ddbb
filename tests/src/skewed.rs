//! A process whose clock is wrong.

use std::path::{Path, PathBuf};

/// The variables that set the clock of the day of a process ahead by so many seconds, by Debian's `faketime`. What measures
/// durations is left alone, as it is on a machine whose clock is wrong.
pub fn skewed(seconds: i32) -> Vec<(String, String)> {
    let variables = [
        ("LD_PRELOAD", library().display().to_string()),
        ("FAKETIME", format!("{seconds:+}s")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        // Times of files are those of the file system.
        ("NO_FAKE_STAT", "1".to_owned()),
    ];
    variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// The library for programs with threads, in the folder of this machine's kind.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|folder| folder.path());
    let within = |folder: &Path| folder.join("faketime/libfaketimeMT.so.1");
    let mut found = folders.map(|folder| within(&folder)).filter(|path| path.exists());
    found.next().expect("libfaketime (`apt-get install faketime` brings it)")
}
