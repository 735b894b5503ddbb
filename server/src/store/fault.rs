//! What the database says that it cannot do now, in words; and which of it the next write would meet as well.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;

use crate::telemetry::here::Here;

/// For how long a fault is believed although something small could be written: a full disk often has room for that.
const BELIEVED: Duration = Duration::from_mins(1);
/// How often this node's own work, which tries again several times a second, tells the same.
const TOLD_AGAIN: Duration = Duration::from_mins(1);

/// One reason why something is not possible now.
struct Reason {
    /// SQLite's primary codes.
    sqlite: &'static [u32],
    /// What PostgreSQL's codes begin with.
    postgres: &'static [&'static str],
    /// Why, as the beginning of a sentence.
    words: &'static str,
    /// Whether the next write would meet it as well.
    lasts: bool,
}

const fn reason(sqlite: &'static [u32], postgres: &'static [&'static str], words: &'static str) -> Reason {
    Reason { sqlite, postgres, words, lasts: false }
}

/// Codes that say "not now" rather than "not like this"; the first that is met counts.
const REASONS: [Reason; 16] = [
    Reason { lasts: true, ..reason(&[13], &["53100"], "the database's disk is full") },
    Reason { lasts: true, ..reason(&[10], &["58"], "the database's disk fails") },
    Reason { lasts: true, ..reason(&[14], &[], "the database's file cannot be opened") },
    reason(&[8], &["25006"], "the database takes no writes"),
    reason(&[5, 6], &["55P03"], "somebody else holds a lock in the database"),
    reason(&[], &["40P01"], "two waited for each other in the database, and this one was given up"),
    reason(&[], &["40"], "another came first in the database"),
    reason(&[], &["57014"], "the database took too long"),
    reason(&[], &["53300"], "the database has no connection to spare"),
    reason(&[], &["53"], "the database has not enough of something, such as memory"),
    reason(&[], &["28"], "the database does not let this node in"),
    Reason { lasts: true, ..reason(&[], &["42501"], "the database's role may not use one of the tables") },
    reason(&[], &["3D000"], "there is no such database"),
    reason(&[], &["25P03"], "the database gave up a transaction that went silent"),
    // A statement that was prepared before.
    reason(&[], &["0A000"], "the database's tables were changed just now"),
    reason(&[], &["08", "57"], "the store cannot be reached"),
];

fn find(code: &str) -> Option<&'static Reason> {
    if code.len() == 5 {
        return REASONS.iter().find(|it| it.postgres.iter().any(|class| code.starts_with(class)));
    }
    let code = code.parse::<u32>().ok()? & 0xff;
    REASONS.iter().find(|it| it.sqlite.contains(&code))
}

/// Why something is not possible now, by the database's code; nothing if it will never be.
pub(super) fn words(code: Option<&str>) -> Option<&'static str> {
    Some(find(code?)?.words)
}

/// Whether it is worth a line in the log that something is not possible now: each time for a request, now and then for
/// this node's own work.
pub(super) fn is_news(words: &'static str) -> bool {
    static TOLD: Mutex<BTreeMap<&str, Instant>> = Mutex::new(BTreeMap::new());
    if Here::ask(|_| ()).is_some() {
        return true;
    }
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let news = told.get(words).is_none_or(|at| at.elapsed() > TOLD_AGAIN);
    if news {
        told.insert(words, Instant::now());
    }
    news
}

/// What writes met last, until one works again.
#[derive(Debug, Default)]
pub(crate) struct Fault(Mutex<Option<(Instant, &'static str)>>);

impl Fault {
    /// Notes what a statement met, if the next one would as well.
    pub(super) fn met(&self, error: &sqlx::Error) {
        let code = error.as_database_error().and_then(DatabaseError::code);
        if let Some(reason) = code.and_then(|code| find(&code)).filter(|reason| reason.lasts) {
            *self.lock() = Some((Instant::now(), reason.words));
        }
    }

    /// Notes that something was written, which may have been small.
    pub(super) fn wrote(&self) {
        self.lock().take_if(|(at, _)| at.elapsed() > BELIEVED);
    }

    /// Notes that a change was made: all of it could be written.
    pub(crate) fn over(&self) {
        *self.lock() = None;
    }

    /// What the next write would meet, as far as is known.
    pub(crate) fn now(&self) -> Option<&'static str> {
        self.lock().map(|(_, words)| words)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Instant, &'static str)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use sqlx::Executor;

    use super::*;
    use crate::error::Error;
    use crate::store::Store;

    #[test]
    fn what_will_pass_is_told_from_a_bad_statement_and_says_what_it_is() {
        for (code, told) in [
            ("5", "lock"),
            ("517", "lock"),
            ("13", "disk is full"),
            ("10", "disk fails"),
            ("53100", "disk is full"),
            ("58030", "disk fails"),
            ("25006", "takes no writes"),
            ("55P03", "lock"),
            ("40P01", "waited for each other"),
            ("40001", "came first"),
            ("53300", "connection to spare"),
            ("28P01", "let this node in"),
            ("42501", "may not use one of the tables"),
            ("3D000", "no such database"),
            ("08006", "reached"),
            ("57P01", "reached"),
            ("57014", "too long"),
        ] {
            assert!(words(Some(code)).is_some_and(|words| words.contains(told)), "{code}");
        }
        for code in ["1", "19", "42601", "23505"] {
            assert_eq!(words(Some(code)), None, "{code}");
        }
    }

    #[tokio::test]
    async fn what_own_work_meets_again_and_again_is_told_once_and_each_request_tells_it() {
        assert!(is_news("a test went wrong"));
        assert!(!is_news("a test went wrong"));
        let request = Here {
            request: uuid::Uuid::nil(),
            trace: NonZero::<u128>::MIN,
            span: NonZero::<u64>::MIN,
            recording: None,
        };
        request.within(async { assert!(is_news("a test went wrong")) }).await;
    }

    #[tokio::test]
    async fn a_full_disk_is_told_until_a_change_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/hoist.db?mode=rwc", folder.path().display());
        let store = Store::open(&url).await.unwrap();
        store.migrate_up().await.unwrap();
        // As a full disk: SQLite may take no more pages. There is one connection that writes.
        store.write.execute("PRAGMA max_page_count = 1").await.unwrap();
        let fill = "INSERT INTO nodes (node, seen_ms, batch) SELECT hex(randomblob(2000)), 0, 0 FROM \
                    (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i FROM n)";
        let refused: Error = store.write.execute(fill).await.unwrap_err().into();
        assert_eq!(refused.to_string(), "the database's disk is full; nothing was changed");
        assert_eq!(store.condition().await.unwrap().writes, Err("the database's disk is full"));
        // What is small may have found room.
        store.write.execute("DELETE FROM nodes").await.unwrap();
        assert_eq!(store.fault.now(), Some("the database's disk is full"));
        store.fault.over();
        assert_eq!(store.condition().await.unwrap().writes, Ok(()));
    }
}
