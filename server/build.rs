//! Builds the dashboard into the server.
//!
//! `HOIST_DASHBOARD` says how: `require` also checks its types against the API and fails where anything does (tests and
//! releases), `skip` leaves it out; without it the dashboard is built where Node is, and a server without it says how
//! to get it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

/// What the built page is made of; the tests of the dashboard are not.
const SOURCES: [&str; 7] = [
    "src",
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    ".oxlintrc.json",
];
/// A copy of the lock file that the packages were installed by.
const INSTALLED: &str = "node_modules/.installed";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names a folder to write to"));
    let room = Path::new("../dashboard");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HOIST_DASHBOARD");
    let wish = env::var("HOIST_DASHBOARD").unwrap_or_default();
    let built = match wish.as_str() {
        "skip" => Err("HOIST_DASHBOARD=skip".to_owned()),
        "" | "require" => {
            for source in SOURCES {
                println!("cargo::rerun-if-changed={}", room.join(source).display());
            }
            println!("cargo::rerun-if-changed=../openapi/openapi.json");
            build(room, &out.join("dashboard"), wish == "require")
        }
        other => panic!("HOIST_DASHBOARD is `{other}`; it may be `require` or `skip`"),
    };
    let list = match built {
        Ok(folder) => embed(&folder).expect("the built dashboard can be read"),
        Err(reason) => {
            assert!(wish != "require", "the dashboard was not built: {reason}");
            if wish.is_empty() {
                println!("cargo::warning=the server is built without its dashboard: {reason}");
            }
            "pub(super) const INDEX: Option<&str> = None;\npub(super) const ASSETS: &[Asset] = &[];\n"
                .to_owned()
        }
    };
    fs::write(out.join("dashboard.rs"), list).expect("the list of assets can be written");
}

/// Installs what is missing and builds the page into a folder.
fn build(room: &Path, folder: &Path, check: bool) -> Result<PathBuf, String> {
    run(room, "node", ["--version"]).map_err(|_| "there is no Node on this machine".to_owned())?;
    // Two profiles may be built at once, and share the installed packages and the types.
    let lock =
        File::create(env::temp_dir().join("hoist-dashboard.lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let locked = fs::read(room.join("package-lock.json")).map_err(|error| error.to_string())?;
    if fs::read(room.join(INSTALLED)).ok().as_ref() != Some(&locked) {
        run(room, "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])?;
        fs::write(room.join(INSTALLED), locked).map_err(|error| error.to_string())?;
    }
    if check {
        run(room, "npm", ["run", "--silent", "check"])?;
    }
    let folder_text = folder.to_string_lossy();
    run(
        room,
        "npm",
        ["run", "--silent", "bundle", "--", "--logLevel=warn", "--emptyOutDir", "--outDir", &folder_text],
    )?;
    Ok(folder.to_owned())
}

fn run<S: AsRef<OsStr>>(
    room: &Path,
    program: &str,
    arguments: impl IntoIterator<Item = S>,
) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(room)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{program} failed: {}", String::from_utf8_lossy(&said).trim().replace('\n', " · ")))
}

/// Writes the page and its assets as Rust.
fn embed(folder: &Path) -> io::Result<String> {
    let mut paths = fs::read_dir(folder.join("assets"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<BTreeSet<_>>>()?;
    let compressed: BTreeSet<PathBuf> =
        paths.extract_if(.., |path| path.extension().is_some_and(|it| it == "br" || it == "gz")).collect();
    let mut list = format!(
        "pub(super) const INDEX: Option<&str> = Some(include_str!({}));\npub(super) const ASSETS: &[Asset] = &[\n",
        literal(&folder.join("index.html"))
    );
    for path in &paths {
        let form = |ending: &str| {
            let form = PathBuf::from(format!("{}.{ending}", path.display()));
            let bytes = compressed.contains(&form).then(|| format!("include_bytes!({})", literal(&form)));
            bytes.map_or("None".to_owned(), |bytes| format!("Some({bytes})"))
        };
        let name = path.file_name().unwrap_or_default();
        list += &[
            "Asset { name: ",
            &literal(Path::new(name)),
            ", plain: include_bytes!(",
            &literal(path),
            "), gzip: ",
            &form("gz"),
            ", brotli: ",
            &form("br"),
            " },\n",
        ]
        .concat();
    }
    list += "];\n";
    Ok(list)
}

/// A path as text in Rust.
fn literal(path: &Path) -> String {
    format!("{:?}", path.to_string_lossy())
}
