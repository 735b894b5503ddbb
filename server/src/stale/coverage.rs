//! How much of the critical environments' applications can be heard: what silence is worth.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::Policy;
use super::evidence::{Listener, days};
use crate::clock::Timestamp;
use crate::keys::EnvironmentKey;

/// An application that was heard and is no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Silent {
    /// In which environment.
    #[schema(value_type = String)]
    pub environment: EnvironmentKey,
    /// Which application.
    pub app: String,
    /// When it was last heard.
    pub last_heard_at: Timestamp,
}

/// What is known of the applications in the critical environments, and what is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Coverage {
    /// The share of applications that are heard; an environment with none counts as one that is not.
    pub percent: u32,
    /// Since when every critical environment has been listened to; null when one never was.
    pub since: Option<Timestamp>,
    /// The applications that fell silent.
    pub silent: Vec<Silent>,
    /// The critical environments from which nobody reported.
    #[schema(value_type = Vec<String>)]
    pub unheard: Vec<EnvironmentKey>,
}

impl Coverage {
    /// Judges what was heard. An application counts while it was heard within the silence window; it is silent when it
    /// was not heard within the drain window.
    pub(super) fn of(
        critical: &[EnvironmentKey],
        heard: &[Listener],
        policy: &Policy,
        now: Timestamp,
    ) -> Self {
        let known: Vec<&Listener> = heard
            .iter()
            .filter(|one| critical.contains(&one.environment))
            .filter(|one| now.since(one.last_heard_at) <= days(policy.silence_days))
            .collect();
        let (alive, silent): (Vec<&Listener>, Vec<&Listener>) =
            known.iter().partition(|one| now.since(one.last_heard_at) <= days(policy.drain_days));
        let is_unheard =
            |environment: &&EnvironmentKey| known.iter().all(|one| one.environment != **environment);
        let unheard: Vec<EnvironmentKey> = critical.iter().filter(is_unheard).cloned().collect();
        let all = known.len() + unheard.len();
        let percent = (alive.len() * 100).checked_div(all).unwrap_or(0);
        let silent = silent.into_iter().map(|one| Silent {
            environment: one.environment.clone(),
            app: one.app.clone(),
            last_heard_at: one.last_heard_at,
        });
        Self {
            percent: u32::try_from(percent).unwrap_or(100),
            since: if unheard.is_empty() { since(critical, heard) } else { None },
            silent: silent.collect(),
            unheard,
        }
    }

    /// Whether enough is heard for silence to mean something.
    pub(super) fn suffices(&self, policy: &Policy) -> bool {
        self.percent >= policy.coverage_percent
    }

    /// Whether it would be known had anyone evaluated a flag within the silence window.
    pub(super) fn proves_silence(&self, policy: &Policy, now: Timestamp) -> bool {
        let long_enough = |since: Timestamp| now.since(since) >= days(policy.silence_days);
        self.suffices(policy) && self.since.is_some_and(long_enough)
    }

    /// What is missing, in a sentence that names the silent.
    pub(super) fn gap(&self, policy: &Policy) -> String {
        let unheard = self.unheard.iter().map(|environment| format!("nobody reports from {environment}"));
        let silent = self
            .silent
            .iter()
            .map(|one| format!("{} in {} is silent since {}", one.app, one.environment, one.last_heard_at));
        let parts: Vec<String> = unheard.chain(silent).collect();
        let (percent, least) = (self.percent, policy.coverage_percent);
        format!("{percent} % of the applications report, less than {least} %: {}", parts.join("; "))
    }
}

/// The instant from which each critical environment has had a listener.
fn since(critical: &[EnvironmentKey], heard: &[Listener]) -> Option<Timestamp> {
    let mut first: BTreeMap<&EnvironmentKey, Timestamp> = BTreeMap::new();
    for one in heard.iter().filter(|one| critical.contains(&one.environment)) {
        let at = first.entry(&one.environment).or_insert(one.first_heard_at);
        *at = (*at).min(one.first_heard_at);
    }
    first.into_values().max()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 100;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_ms(day * 24 * 60 * 60 * 1_000)
    }

    /// Applications as environment, name, first and last day heard.
    fn check(heard: &[(&str, &str, i64, i64)]) -> Coverage {
        let key = |key: &str| EnvironmentKey::stored(key.to_owned());
        let heard: Vec<Listener> = heard
            .iter()
            .map(|(environment, app, first, last)| Listener {
                environment: key(environment),
                app: (*app).to_owned(),
                first_heard_at: at(*first),
                last_heard_at: at(*last),
            })
            .collect();
        Coverage::of(&[key("eu"), key("us")], &heard, &Policy::default(), at(NOW))
    }

    fn proves(heard: &[(&str, &str, i64, i64)]) -> bool {
        check(heard).proves_silence(&Policy::default(), at(NOW))
    }

    #[test]
    fn silence_is_proved_by_long_listening_everywhere() {
        assert!(proves(&[("eu", "shop", 10, 100), ("us", "shop", 70, 95)]));
        assert!(!proves(&[("eu", "shop", 10, 100), ("us", "shop", 71, 100)]));
        assert!(!proves(&[("eu", "shop", 10, 100)]));
        assert!(!proves(&[]));
    }

    #[test]
    fn the_silent_and_the_unheard_are_named() {
        let coverage = check(&[("eu", "shop", 10, 100), ("eu", "mail", 10, 90), ("test", "shop", 1, 100)]);
        assert_eq!(coverage.percent, 33);
        assert_eq!(
            coverage.gap(&Policy::default()),
            format!(
                "33 % of the applications report, less than 95 %: nobody reports from us; mail in eu is silent since {}",
                at(90)
            )
        );
    }

    #[test]
    fn an_application_that_is_long_gone_is_not_missed() {
        let coverage = check(&[("eu", "shop", 10, 100), ("us", "shop", 10, 100), ("us", "old", 1, 69)]);
        assert_eq!((coverage.percent, coverage.silent.len()), (100, 0));
    }
}
