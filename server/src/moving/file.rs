//! The file's lines.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{MoveError, Table};
use crate::audit::hex;

/// The form of the file that this build writes and reads.
const FORM: u32 = 1;
/// The longest line, in bytes: far more than the largest document.
const LONGEST_LINE: u64 = 64 << 20;

/// A line that is not a row.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Mark {
    /// The beginning.
    Hoist { form: u32, migration: i64, version: String },
    /// From here on rows of a table.
    Table { name: String, columns: Vec<String> },
    /// The end: how many rows there were, and what all lines before this one hash to.
    End { rows: u64, sha256: String },
}

/// Writes lines.
pub(super) struct Writer<W> {
    to: W,
    hash: Sha256,
    rows: u64,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(to: W, migration: i64) -> io::Result<Self> {
        let mut writer = Self { to, hash: Sha256::new(), rows: 0 };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        writer.line(&Mark::Hoist { form: FORM, migration, version })?;
        Ok(writer)
    }

    pub(super) fn table(&mut self, table: &Table) -> io::Result<()> {
        let columns = table.names().into_iter().map(str::to_owned).collect();
        self.line(&Mark::Table { name: table.name.to_owned(), columns })
    }

    pub(super) fn row(&mut self, row: &[Value]) -> io::Result<()> {
        self.rows += 1;
        self.line(row)
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        let sha256 = hex(&self.hash.clone().finalize());
        self.line(&Mark::End { rows: self.rows, sha256 })?;
        self.to.flush()
    }

    fn line<T: Serialize + ?Sized>(&mut self, what: &T) -> io::Result<()> {
        let mut text = serde_json::to_vec(what)?;
        text.push(b'\n');
        self.hash.update(&text);
        self.to.write_all(&text)
    }
}

/// A row and how long its line was.
pub(super) struct Line {
    pub(super) row: Vec<Value>,
    pub(super) bytes: usize,
}

/// Reads lines, in the order in which they must come.
pub(super) struct Reader<R> {
    from: R,
    hash: Sha256,
    number: u64,
    rows: u64,
    /// A line that was read and is not a row.
    mark: Option<Mark>,
    /// What the lines before that hash to.
    before: String,
}

impl<R: BufRead> Reader<R> {
    /// Begins to read a file that must be of this form and this newest migration.
    pub(super) fn begin(from: R, newest: i64) -> Result<Self, MoveError> {
        let (hash, before) = (Sha256::new(), String::new());
        let mut reader = Self { from, hash, number: 0, rows: 0, mark: None, before };
        if reader.line()?.is_some() {
            return Err(reader.wrong("this is not a file that `hoist export --everything` wrote"));
        }
        match reader.mark.take() {
            Some(Mark::Hoist { form: FORM, migration, .. }) if migration == newest => Ok(reader),
            Some(Mark::Hoist { form: FORM, migration, version }) => {
                let detail = format!(
                    "it was written at migration {migration} by hoist {version}, and this build is at {newest}: \
                     import it with that version, then go on to this one"
                );
                Err(reader.wrong(&detail))
            }
            _ => Err(reader.wrong("this is not a file that `hoist export --everything` wrote")),
        }
    }

    /// Reads the line that begins a table.
    pub(super) fn table(&mut self, table: &Table) -> Result<(), MoveError> {
        if self.mark.is_none() && self.line()?.is_some() {
            return Err(self.wrong(&format!("the rows of {} should begin here", table.name)));
        }
        match self.mark.take() {
            Some(Mark::Table { name, columns }) if name == table.name && columns == table.names() => Ok(()),
            _ => Err(self.wrong(&format!("the rows of {} should begin here", table.name))),
        }
    }

    /// The next row of the table; none when it has no more.
    pub(super) fn row(&mut self, table: &Table) -> Result<Option<Line>, MoveError> {
        let Some(line) = self.line()? else { return Ok(None) };
        let fits = line.row.len() == table.columns().count()
            && table.columns().zip(&line.row).all(|(column, value)| match value {
                Value::Null => true,
                Value::String(_) => !column.number,
                Value::Number(number) => column.number && number.is_i64(),
                _ => false,
            });
        if !fits {
            return Err(self.wrong(&format!("this is not a row of {}", table.name)));
        }
        self.rows += 1;
        Ok(Some(line))
    }

    /// Checks that the file is whole.
    pub(super) fn end(mut self) -> Result<(), MoveError> {
        let Some(Mark::End { rows, sha256 }) = self.mark.take() else {
            return Err(self.wrong("the file should end here"));
        };
        if rows != self.rows || sha256 != self.before {
            return Err(self.wrong("the file is not what was written: it was changed or damaged"));
        }
        match self.from.fill_buf()? {
            [] => Ok(()),
            _ => Err(self.wrong("something follows the end of the file")),
        }
    }

    /// Reads a line; gives a row, or keeps a mark.
    fn line(&mut self) -> Result<Option<Line>, MoveError> {
        let mut text = Vec::new();
        self.number += 1;
        self.from.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut text)?;
        if text.last() != Some(&b'\n') {
            return Err(self.wrong("the file is cut off"));
        }
        let unreadable = |error: serde_json::Error| MoveError::Content {
            line: self.number,
            detail: format!("it is not JSON of this form: {error}"),
        };
        if text.first() == Some(&b'[') {
            let row = serde_json::from_slice(&text).map_err(unreadable)?;
            self.hash.update(&text);
            return Ok(Some(Line { row, bytes: text.len() }));
        }
        self.mark = Some(serde_json::from_slice(&text).map_err(unreadable)?);
        self.before = hex(&self.hash.clone().finalize());
        self.hash.update(&text);
        Ok(None)
    }

    fn wrong(&self, detail: &str) -> MoveError {
        MoveError::Content { line: self.number, detail: detail.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::moving::tables::TABLES;

    /// A file of two tables, with one row.
    fn written() -> String {
        let mut bytes = Vec::new();
        let mut writer = Writer::begin(&mut bytes, 7).unwrap();
        writer.table(&TABLES[0]).unwrap();
        let row =
            [json!("p"), json!("P\n"), json!(""), json!(3), json!("h"), json!(1), json!("me"), Value::Null];
        writer.row(&row).unwrap();
        writer.table(&TABLES[1]).unwrap();
        writer.end().unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn read(text: &str) -> Result<u64, String> {
        let read = || -> Result<u64, MoveError> {
            let mut reader = Reader::begin(text.as_bytes(), 7)?;
            for table in &TABLES[..2] {
                reader.table(table)?;
                while reader.row(table)?.is_some() {}
            }
            let rows = reader.rows;
            reader.end()?;
            Ok(rows)
        };
        read().map_err(|error| error.to_string())
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(read(&written()), Ok(1));
    }

    #[test]
    fn a_file_that_is_not_whole_or_not_of_this_build_is_refused() {
        let whole = written();
        let lines: Vec<&str> = whole.lines().collect();
        let cases = [
            (String::new(), "cut off"),
            (whole.trim_end().to_owned(), "cut off"),
            (lines[..4].join("\n") + "\n", "cut off"),
            (whole.replace("\"me\"", "\"you\""), "changed or damaged"),
            (whole.replace("\"migration\":7", "\"migration\":6"), "migration 6"),
            (whole.replace("\"form\":1", "\"form\":2"), "not a file"),
            (whole.replace(",3,", ",\"3\","), "not a row of projects"),
            (whole.replace("audit_hash", "hash"), "rows of projects should begin"),
            (format!("{whole}{whole}"), "follows the end"),
            (whole.replace(lines[2], "{"), "not JSON"),
            ([lines[0], lines[1], lines[3], lines[4], ""].join("\n"), "changed or damaged"),
        ];
        for (text, told) in cases {
            let error = read(&text).unwrap_err();
            assert!(error.contains(told), "{error}\n{text}");
        }
    }
}
