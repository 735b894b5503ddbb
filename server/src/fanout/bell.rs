//! What is to be told to other nodes, and what was heard of them.
//!
//! Neither is a queue: of each environment only the newest revision is kept, so both are bounded by the number of
//! environments, and by [`MAX_HEARD`] whatever anybody sends.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How many environments are heard of one by one; past that, everything is looked at.
const MAX_HEARD: usize = 1_000;
/// Says that tokens were made or revoked.
const ACCESS: &str = "access";

/// News that nobody has taken yet.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    news: Mutex<News>,
    rung: Notify,
}

/// What there may be in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Newer revisions, by `project/environment`.
    pub(crate) revisions: HashMap<String, u64>,
    /// Other tokens.
    pub(crate) access: bool,
    /// Anything.
    pub(crate) anything: bool,
}

impl News {
    fn revision(&mut self, environment: &str, revision: u64) {
        if let Some(newest) = self.revisions.get_mut(environment) {
            *newest = revision.max(*newest);
        } else if self.revisions.len() < MAX_HEARD {
            self.revisions.insert(environment.to_owned(), revision);
        } else {
            self.anything = true;
        }
    }

    /// The messages that say this.
    pub(super) fn messages(&self) -> Vec<String> {
        let revisions =
            self.revisions.iter().map(|(environment, revision)| format!("{environment} {revision}"));
        let access = self.access.then(|| ACCESS.to_owned());
        let anything = self.anything.then(String::new);
        revisions.chain(access).chain(anything).collect()
    }
}

impl Bell {
    /// Notes that an environment may be at a revision.
    pub(super) fn revision(&self, environment: &str, revision: u64) {
        self.lock().revision(environment, revision);
        self.rung.notify_one();
    }

    /// Notes that tokens may have changed.
    pub(super) fn access(&self) {
        self.lock().access = true;
        self.rung.notify_one();
    }

    /// Notes that anything may have changed.
    pub(super) fn anything(&self) {
        self.lock().anything = true;
        self.rung.notify_one();
    }

    /// Notes what a message says; one that cannot be understood says that there is something.
    pub(super) fn message(&self, text: &str) {
        let revision = text
            .split_once(' ')
            .and_then(|(environment, revision)| Some((environment, revision.parse().ok()?)));
        match revision {
            Some((environment, revision)) => self.revision(environment, revision),
            None if text == ACCESS => self.access(),
            None => self.anything(),
        }
    }

    /// Waits for news and takes it.
    pub(super) async fn news(&self) -> News {
        loop {
            let news = std::mem::take(&mut *self.lock());
            if news != News::default() {
                return news;
            }
            self.rung.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(messages: &[&str]) -> News {
        let bell = Bell::default();
        for text in messages {
            bell.message(text);
        }
        std::mem::take(&mut *bell.lock())
    }

    #[test]
    fn of_each_environment_the_newest_revision_is_kept() {
        let news = check(&["p/a 3", "p/b 1", "p/a 2"]);
        assert_eq!(news.revisions, HashMap::from([("p/a".to_owned(), 3), ("p/b".to_owned(), 1)]));
        assert!(!news.access && !news.anything);
    }

    #[test]
    fn what_is_told_is_heard() {
        let news = check(&["p/a 3", "access", ""]);
        let messages = news.messages();
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        assert_eq!(check(&messages), news);
        assert!(news.access && news.anything);
    }

    #[test]
    fn what_cannot_be_understood_and_what_is_too_much_mean_anything() {
        for text in ["", "p/a", "p/a x", "p/a -1", "p/a 18446744073709551616"] {
            assert!(check(&[text]).anything, "{text}");
        }
        let many: Vec<String> = (0..=MAX_HEARD).map(|number| format!("p/{number} 1")).collect();
        let news = check(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((news.revisions.len(), news.anything), (MAX_HEARD, true));
    }
}
