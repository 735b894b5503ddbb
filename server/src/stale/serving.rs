//! What settings can serve, without asking anyone in particular.

use std::collections::BTreeSet;

use hoist_evaluation::{Percentage, Serve, Settings};

/// Every variant that the settings can serve to somebody. Where a prerequisite may fail, or a unit may be missing that
/// a bucket needs, the off variant is among them: what is called constant must be constant for everyone.
pub(super) fn possible_variants(settings: &Settings) -> BTreeSet<&str> {
    let off = settings.off_variant.as_str();
    if !settings.enabled {
        return BTreeSet::from([off]);
    }
    let mut variants = BTreeSet::new();
    if !settings.prerequisites.is_empty() {
        variants.insert(off);
    }
    for rule in settings.rules.iter().filter(|rule| rule.rollout > Percentage::ZERO) {
        variants.extend(served(&rule.serve));
        let takes_all =
            rule.segments.is_empty() && rule.conditions.is_empty() && rule.rollout == Percentage::FULL;
        if takes_all && matches!(rule.serve, Serve::Fixed(_)) {
            return variants;
        }
    }
    let default = &settings.default;
    if default.rollout > Percentage::ZERO {
        variants.extend(served(&default.serve));
    }
    if default.rollout < Percentage::FULL || matches!(default.serve, Serve::Split(_)) {
        variants.insert(off);
    }
    variants
}

/// Whether a rollout of the settings takes in some and leaves out others.
pub(super) fn is_partial(settings: &Settings) -> bool {
    let partial = |rollout: Percentage| rollout > Percentage::ZERO && rollout < Percentage::FULL;
    settings.enabled
        && (partial(settings.default.rollout) || settings.rules.iter().any(|rule| partial(rule.rollout)))
}

fn served(serve: &Serve) -> Vec<&str> {
    match serve {
        Serve::Fixed(variant) => vec![variant],
        Serve::Split(split) => {
            let shares = split.split.iter().filter(|share| share.weight > Percentage::ZERO);
            shares.map(|share| share.variant.as_str()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: &str) -> (String, bool) {
        let settings: Settings = serde_json::from_str(settings).unwrap();
        let variants: Vec<&str> = possible_variants(&settings).into_iter().collect();
        (variants.join(" "), is_partial(&settings))
    }

    fn constant(variants: &str) -> (String, bool) {
        (variants.to_owned(), false)
    }

    fn partial(variants: &str) -> (String, bool) {
        (variants.to_owned(), true)
    }

    #[test]
    fn a_flag_that_is_off_serves_its_off_variant_whatever_else_it_says() {
        let settings = r#"{"enabled":false,"rules":[{"rollout":50,"serve":"a"}],"default":{"serve":"on"},"off_variant":"off"}"#;
        assert_eq!(check(settings), constant("off"));
    }

    #[test]
    fn the_default_decides_where_there_are_no_rules() {
        let with = |rollout: &str| {
            check(&format!(
                r#"{{"enabled":true,"default":{{"rollout":{rollout},"serve":"on"}},"off_variant":"off"}}"#
            ))
        };
        assert_eq!(with("100"), constant("on"));
        assert_eq!(with("0"), constant("off"));
        assert_eq!(with("0.001"), partial("off on"));
        assert_eq!(with("99.999"), partial("off on"));
    }

    #[test]
    fn a_split_serves_what_has_weight_and_the_off_variant_to_those_without_a_unit() {
        let settings = r#"{"enabled":true,"default":{"serve":{"split":[{"variant":"a","weight":100},{"variant":"b","weight":0}]}},"off_variant":"off"}"#;
        assert_eq!(check(settings), constant("a off"));
    }

    #[test]
    fn a_rule_adds_what_it_serves_unless_it_reaches_nobody() {
        let with = |rule: &str| {
            check(&format!(
                r#"{{"enabled":true,"rules":[{rule}],"default":{{"serve":"on"}},"off_variant":"off"}}"#
            ))
        };
        assert_eq!(with(r#"{"segments":["s"],"serve":"a"}"#), constant("a on"));
        assert_eq!(with(r#"{"segments":["s"],"serve":"on"}"#), constant("on"));
        assert_eq!(with(r#"{"segments":["s"],"rollout":0,"serve":"a"}"#), constant("on"));
        assert_eq!(with(r#"{"rollout":5,"serve":"a"}"#), partial("a on"));
    }

    #[test]
    fn nothing_is_served_after_a_rule_for_everyone() {
        let with = |serve: &str| {
            let settings = r#"{"enabled":true,"rules":[{"segments":["s"],"serve":"a"},{"serve":SERVE}],"default":{"rollout":0,"serve":"on"},"off_variant":"off"}"#;
            check(&settings.replace("SERVE", serve))
        };
        assert_eq!(with(r#""a""#), constant("a"));
        assert_eq!(with(r#"{"split":[{"variant":"a","weight":100}]}"#), constant("a off"));
    }

    #[test]
    fn a_prerequisite_may_fail() {
        let settings = r#"{"enabled":true,"prerequisites":[{"flag":"f","variants":["on"]}],"default":{"serve":"on"},"off_variant":"off"}"#;
        assert_eq!(check(settings), constant("off on"));
    }
}
