//! The source tree that the tests belong to.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the source tree.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above")
}

/// Every file that git tracks or would add, relative to the root; without git, nothing can be said.
pub fn tracked() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(repository())
        .output()
        .expect("git");
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let text = String::from_utf8(listed.stdout).expect("UTF-8");
    let files = text.split_terminator('\0').map(PathBuf::from);
    files.filter(|file| repository().join(file).is_file()).collect()
}
