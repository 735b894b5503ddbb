//! Writes what the targets start from into a folder for each: `cargo run -p hoist-fuzz-checks --example seeds corpus`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde_json::{Value, json};

/// Beginnings of streams; the first two bytes choose the bound and how many lengths of pieces follow.
const STREAMS: [&[u8]; 5] = [
    b"\xff\x00event: put\nid: 42\nreceipt-within: 8\ndata: {\"a\":1}\n\nevent: patch\ndata: {}\n\n",
    b"\xff\x02\x03\x05\xEF\xBB\xBFevent: put\rdata: 1\r\n\nretry: 1500\ndata: 2\r\r",
    b"\x20\x01\x01: heartbeat\r\n\r\n:\n\nfoo: bar\n\n: x\ndata: 1\nwhat\n\n",
    b"\x10\x00data\ndata\n\ndata:\ndata:  b\n\nevent:\ndata: x\n\n",
    b"\xff\x03\x01\x00\x07data: bl\xc3\xa5b\xc3\xa6r \xf0\x9f\x9a\xa9\n\ndata: \xff\n\n",
];

fn main() -> io::Result<()> {
    let corpus: PathBuf = env::args_os().nth(1).unwrap_or_else(|| "corpus".into()).into();
    let write = |target: &str, name: &str, seed: &[u8]| {
        fs::create_dir_all(corpus.join(target))?;
        fs::write(corpus.join(target).join(name), seed)
    };
    for (number, stream) in STREAMS.iter().enumerate() {
        write("stream", &format!("seed-{number}"), stream)?;
    }
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../evaluation/cases"))? {
        let file = file?.path();
        let golden: Value = serde_json::from_slice(&fs::read(&file)?)?;
        let Some(flags) = golden["flag_set"]["flags"].as_object() else { continue };
        let set = |flags: &Value| {
            json!({ "project": "p", "environment": "e", "revision": 1, "flags": flags,
                "segments": golden["flag_set"].get("segments").unwrap_or(&json!({})) })
        };
        // One flag at a time: the fuzzer learns more from small inputs.
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        for (key, flag) in flags {
            let patch = json!({ "from": 1, "to": 2, "flags": { key: null, "a": flag } });
            write(
                "text",
                &format!("seed-{stem}-{key}"),
                format!("{}\0{patch}", set(&json!({ key: flag }))).as_bytes(),
            )?;
        }
    }
    for target in ["patches", "answers"] {
        write(target, "seed", b"the first of everything")?;
    }
    Ok(())
}
