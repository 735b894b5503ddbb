//! Where the real `hoist` binary is.
//!
//! Cargo tells a test where the binaries of its own package are, and `hoist` is another package's. So it is built once
//! into the target folder and with the profile of the running test, which takes no time when it is there already.
//! `tests/run` builds it beforehand and says so in `TEST_HOIST_BINARY`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::repository;

/// The path of `hoist`.
pub(crate) fn binary() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| match std::env::var_os("TEST_HOIST_BINARY") {
        Some(path) => PathBuf::from(path),
        None => build(),
    });
    &BINARY
}

/// The path of an example of this package, built with the binary.
pub fn example(name: &str) -> PathBuf {
    binary().with_file_name("examples").join(name)
}

fn build() -> PathBuf {
    // target/<profile>/deps/stories-<hash>
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.ancestors().nth(2).expect("a profile's folder");
    let (target, profile) = (folder.parent().expect("a target folder"), folder.file_name());
    let profile = match profile.and_then(|name| name.to_str()).expect("a profile") {
        "debug" => "dev",
        other => other,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // All of the workspace with its examples: so the dependencies have the features that the tests give them, and are
    // not built a second time.
    let mut build = Command::new(cargo);
    // What cargo tells a test about its own package would look like a change to build scripts that ask for it.
    for (name, _) in std::env::vars_os() {
        let of_the_test = |name: &str| {
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_"].iter().any(|it| name.starts_with(it))
        };
        if name.to_str().is_some_and(of_the_test) {
            build.env_remove(name);
        }
    }
    let outcome = build
        .args([
            "build",
            "--quiet",
            "--workspace",
            "--bins",
            "--examples",
            "--profile",
            profile,
            "--target-dir",
        ])
        .arg(target)
        .current_dir(repository())
        .status()
        .expect("cargo");
    assert!(outcome.success(), "`hoist` does not build");
    folder.join("hoist")
}
