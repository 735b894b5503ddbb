//! What the history of a flag in one environment comes to: what it serves now, and since when.

use std::collections::BTreeSet;

use hoist_evaluation::FlagDefinition;
use serde_json::Value;

use super::serving::{is_partial, possible_variants};
use crate::clock::Timestamp;

/// One state of the flag: when it came to be, and its definition; none while the flag was archived.
pub(super) type State<'a> = (Timestamp, Option<&'a str>);

/// A flag's present in one environment, and how long it has been so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timeline {
    pub(super) enabled: bool,
    /// Whether it was ever on.
    pub(super) ever_enabled: bool,
    /// Since when it has been off without a break.
    pub(super) disabled_since: Option<Timestamp>,
    /// Everything that the settings can serve.
    pub(super) possible: BTreeSet<String>,
    /// Since when they can serve one variant only, with the value it has; none when they can serve several.
    pub(super) constant_since: Option<Timestamp>,
    /// Whether a rollout takes in some and leaves out others.
    pub(super) partial: bool,
    /// When the settings last changed in meaning.
    pub(super) changed_at: Timestamp,
    /// The flags that must serve something to the same context.
    pub(super) prerequisites: Vec<String>,
}

impl Timeline {
    /// Reads the states of a flag, newest first; none when it is not there now or cannot be read.
    pub(super) fn read<'a>(mut states: impl Iterator<Item = State<'a>>) -> Option<Self> {
        let (at, text) = states.next()?;
        let newest = parse(text)?;
        let mut timeline = Self::of(&newest, at);
        let same = constant(&newest);
        // Each run ends, going back, at the first state that was otherwise.
        let (mut unchanged, mut unvaried, mut off) = (true, same.is_some(), !newest.settings.enabled);
        for (at, text) in states {
            let older = parse(text);
            timeline.ever_enabled |= older.as_ref().is_some_and(|older| older.settings.enabled);
            unchanged &= older.as_ref() == Some(&newest);
            unvaried &= older.as_ref().is_some_and(|older| constant(older) == same);
            off &= older.as_ref().is_some_and(|older| !older.settings.enabled);
            if unchanged {
                timeline.changed_at = at;
            }
            if unvaried {
                timeline.constant_since = Some(at);
            }
            if off {
                timeline.disabled_since = Some(at);
            }
        }
        Some(timeline)
    }

    /// The one variant that the settings can serve.
    pub(super) fn constant(&self) -> Option<&str> {
        self.constant_since?;
        self.possible.first().map(String::as_str)
    }

    fn of(newest: &FlagDefinition, at: Timestamp) -> Self {
        let settings = &newest.settings;
        Self {
            enabled: settings.enabled,
            ever_enabled: settings.enabled,
            disabled_since: (!settings.enabled).then_some(at),
            possible: possible_variants(settings).into_iter().map(str::to_owned).collect(),
            constant_since: constant(newest).map(|_| at),
            partial: is_partial(settings),
            changed_at: at,
            prerequisites: settings
                .prerequisites
                .iter()
                .map(|prerequisite| prerequisite.flag.clone())
                .collect(),
        }
    }
}

/// Reads a definition without what has no meaning to those it serves: its version and the names of its rules.
fn parse(text: Option<&str>) -> Option<FlagDefinition> {
    let mut definition: FlagDefinition = serde_json::from_str(text?).ok()?;
    definition.version = 0;
    for rule in &mut definition.settings.rules {
        rule.name = None;
    }
    Some(definition)
}

/// The one variant that a definition can serve, with its value.
fn constant(definition: &FlagDefinition) -> Option<(&str, Option<&Value>)> {
    let possible = possible_variants(&definition.settings);
    let variant = possible.first().filter(|_| possible.len() == 1)?;
    Some((variant, definition.variants.get(variant)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A definition; `with` is `off`, a rollout, or a rollout and the value of `on`.
    fn definition(version: usize, with: &str) -> String {
        let (rollout, on) = with.split_once('=').unwrap_or((with, "true"));
        let (enabled, rollout) = if rollout == "off" { (false, "100") } else { (true, rollout) };
        format!(
            r#"{{"type":"boolean","variants":{{"on":{on},"off":false}},"salt":"s","bucketing":"hoist-v1","version":{version},"settings":{{"enabled":{enabled},"default":{{"rollout":{rollout},"serve":"on"}},"off_variant":"off"}}}}"#
        )
    }

    /// Reads states given oldest first, a millisecond apart: `off`, a rollout, or `gone`.
    fn check(states: &[&str]) -> Option<Timeline> {
        let texts: Vec<Option<String>> = states
            .iter()
            .enumerate()
            .map(|(version, state)| (*state != "gone").then(|| definition(version, state)))
            .collect();
        let mut states: Vec<State<'_>> =
            texts.iter().zip(0..).map(|(text, at)| (Timestamp::from_ms(at), text.as_deref())).collect();
        states.reverse();
        Timeline::read(states.into_iter())
    }

    fn constant_of(states: &[&str]) -> Option<(String, i64)> {
        let timeline = check(states)?;
        Some((timeline.constant()?.to_owned(), timeline.constant_since?.ms()))
    }

    #[test]
    fn a_ramp_is_constant_since_it_reached_everyone() {
        assert_eq!(constant_of(&["off", "10", "50", "100"]), Some(("on".to_owned(), 3)));
        assert_eq!(constant_of(&["off", "100", "100", "100"]), Some(("on".to_owned(), 1)));
        assert_eq!(constant_of(&["off", "100", "50"]), None);
        assert_eq!(constant_of(&["100", "50", "100"]), Some(("on".to_owned(), 2)));
    }

    #[test]
    fn off_is_a_constant_too_by_whatever_means() {
        assert_eq!(constant_of(&["100", "off", "0"]), Some(("off".to_owned(), 1)));
    }

    #[test]
    fn another_value_under_the_same_name_is_another_constant() {
        assert_eq!(constant_of(&["100", "100=1", "100=1"]), Some(("on".to_owned(), 1)));
    }

    #[test]
    fn a_flag_that_came_back_starts_anew_but_is_remembered_to_have_been_on() {
        let timeline = check(&["100", "gone", "off"]).unwrap();
        assert_eq!(timeline.constant_since, Some(Timestamp::from_ms(2)));
        assert!(timeline.ever_enabled && !timeline.enabled);
        assert_eq!(check(&["100", "gone"]), None);
        assert_eq!(check(&[]), None);
    }

    #[test]
    fn only_a_change_of_meaning_is_a_change() {
        assert_eq!(check(&["off", "10", "10"]).unwrap().changed_at, Timestamp::from_ms(1));
        assert_eq!(check(&["10", "20", "10"]).unwrap().changed_at, Timestamp::from_ms(2));
        let named = |name: &str| {
            definition(1, "100").replace(
                r#""enabled""#,
                &format!(r#""rules":[{{"name":"{name}","rollout":0,"serve":"on"}}],"enabled""#),
            )
        };
        let (new, old) = (named("new"), named("old"));
        let states =
            [(Timestamp::from_ms(5), Some(new.as_str())), (Timestamp::from_ms(3), Some(old.as_str()))];
        assert_eq!(Timeline::read(states.into_iter()).unwrap().changed_at, Timestamp::from_ms(3));
    }

    #[test]
    fn off_lasts_from_the_first_state_without_a_break() {
        assert_eq!(check(&["off", "10", "off", "off"]).unwrap().disabled_since, Some(Timestamp::from_ms(2)));
        assert_eq!(check(&["off", "10"]).unwrap().disabled_since, None);
    }
}
