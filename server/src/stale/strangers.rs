//! Keys that applications ask for and that are no flags: misspelt, deleted, or not made yet.

use std::collections::BTreeMap;

use super::{Ask, Confidence, Finding, Note, Reason, Verdict};
use crate::keys::ProjectKey;

/// A key that is no flag, asked for so many times.
#[derive(Clone, Debug)]
pub(super) struct Stranger {
    pub(super) key: String,
    pub(super) ask: Ask,
    pub(super) count: u64,
}

/// One finding for each key.
pub(super) fn findings(project: &ProjectKey, strangers: Vec<Stranger>) -> Vec<Finding> {
    let mut by_key: BTreeMap<String, (Ask, u64)> = BTreeMap::new();
    for Stranger { key, ask, count } in strangers {
        let (newest, total) = by_key.entry(key).or_insert_with(|| (ask.clone(), 0));
        *total += count;
        if ask.at > newest.at {
            *newest = ask;
        }
    }
    by_key.into_iter().map(|(key, (newest, total))| finding(project, key, newest, total)).collect()
}

fn finding(project: &ProjectKey, key: String, newest: Ask, total: u64) -> Finding {
    let detail = format!("there is no such flag; asked for {total} times, last by {newest} at {}", newest.at);
    Finding {
        flag: key,
        stage: None,
        verdict: Verdict::Decide,
        blocked_verdict: None,
        confidence: Confidence::full(),
        reasons: vec![Note::new(Reason::EvaluatedButUnknown, detail)],
        blockers: Vec::new(),
        surviving_variant: None,
        purpose: None,
        owner: None,
        created_at: None,
        expires_at: None,
        environments: Vec::new(),
        last_evaluated: Some(newest),
        next: Some(super::report::command(project, "scan")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::keys::EnvironmentKey;

    /// Strangers as key, application, instant and count.
    fn check(strangers: &[(&str, &str, i64, u64)]) -> Vec<String> {
        let stranger = |(key, app, at, count): &(&str, &str, i64, u64)| Stranger {
            key: (*key).to_owned(),
            ask: Ask {
                environment: EnvironmentKey::stored("production".to_owned()),
                app: (*app).to_owned(),
                app_version: "1.4".to_owned(),
                at: Timestamp::from_ms(*at),
            },
            count: *count,
        };
        let strangers = strangers.iter().map(stranger).collect();
        let findings = findings(&ProjectKey::stored("default".to_owned()), strangers);
        findings
            .into_iter()
            .map(|finding| format!("{}: {}", finding.flag, finding.reasons[0].detail))
            .collect()
    }

    #[test]
    fn a_key_is_told_once_with_who_asked_last() {
        assert_eq!(
            check(&[("b", "shop", 2_000, 3), ("a", "shop", 1_000, 1), ("b", "mail", 3_000, 4)]),
            [
                "a: there is no such flag; asked for 1 times, last by shop 1.4 in production at 1970-01-01T00:00:01.000Z",
                "b: there is no such flag; asked for 7 times, last by mail 1.4 in production at 1970-01-01T00:00:03.000Z",
            ]
        );
    }
}
