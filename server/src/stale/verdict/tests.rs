use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::coverage::Coverage;
use super::super::evidence::{FlagFacts, Usage};
use super::super::timeline::Timeline;
use super::*;
use crate::flags::Purpose;
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};

/// The day on which every test judges.
const NOW: i64 = 100;

fn at(day: i64) -> Timestamp {
    Timestamp::from_ms(day * 24 * 60 * 60 * 1_000)
}

fn key(text: &str) -> EnvironmentKey {
    EnvironmentKey::stored(text.to_owned())
}

/// Settings that have been as they are since `day`, and serve any of `variants`.
fn since(day: i64, variants: &[&str]) -> Timeline {
    let enabled = variants != ["off"];
    Timeline {
        enabled,
        ever_enabled: true,
        disabled_since: (!enabled).then(|| at(day)),
        possible: variants.iter().map(|variant| (*variant).to_owned()).collect::<BTreeSet<_>>(),
        constant_since: (variants.len() == 1).then(|| at(day)),
        partial: variants.len() > 1,
        changed_at: at(day),
        prerequisites: Vec::new(),
    }
}

fn untouched(day: i64) -> Timeline {
    Timeline { ever_enabled: false, ..since(day, &["off"]) }
}

fn environment(name: &str, critical: bool, timeline: Timeline) -> InEnvironment {
    InEnvironment { key: key(name), critical, timeline, usage: Usage::default() }
}

fn ask(day: i64) -> Ask {
    Ask { environment: key("production"), app: "shop".into(), app_version: "1.4".into(), at: at(day) }
}

/// Applications asked until `day`, and were served this so often while settings settled.
fn used(environment: &mut InEnvironment, day: i64, served: &[(&str, u64)]) {
    environment.usage = Usage {
        last_at: Some(at(day)),
        last: (NOW - day < 30).then(|| ask(day)),
        served: served.iter().map(|(variant, count)| ((*variant).to_owned(), *count)).collect(),
    };
}

/// A flag of 70 days with a good owner and good telemetry: on for everyone in production since 40 days, and asked for
/// all day long.
fn launched() -> Evidence {
    let mut production = environment("production", true, since(60, &["on"]));
    used(&mut production, 100, &[("on", 5_000)]);
    Evidence {
        project: ProjectKey::stored("default".into()),
        flag: FlagFacts {
            key: FlagKey::stored("new_nav".into()),
            purpose: Purpose::Release,
            owner: "web".into(),
            created_at: at(30),
            expires_at: Some(at(NOW + 1)),
            archived_at: None,
        },
        environments: vec![environment("staging", false, since(50, &["on"])), production],
        dependants: Vec::new(),
        refused: Vec::new(),
        coverage: Arc::new(Coverage { percent: 100, since: Some(at(0)), silent: vec![], unheard: vec![] }),
    }
}

fn deaf() -> Arc<Coverage> {
    Arc::new(Coverage { percent: 0, since: None, silent: vec![], unheard: vec![key("production")] })
}

/// Judges the launched flag after it was altered: `stage verdict survivor: reasons; blockers`.
fn check(alter: impl FnOnce(&mut Evidence)) -> String {
    let finding = judge(alter);
    let verdict = match finding.blocked_verdict {
        Some(blocked) => format!("{}({})", finding.verdict.as_str(), blocked.as_str()),
        None => finding.verdict.as_str().to_owned(),
    };
    let reasons: Vec<&str> = finding.reasons.iter().map(|note| note.code.as_str()).collect();
    let blockers: Vec<&str> = finding.blockers.iter().map(|note| note.code.as_str()).collect();
    let stage = finding.stage.map_or("-", Stage::as_str);
    let survivor = finding.surviving_variant.as_deref().unwrap_or("-");
    format!("{stage} {verdict} {survivor}: {}; {}", reasons.join(" "), blockers.join(" "))
}

fn judge(alter: impl FnOnce(&mut Evidence)) -> Finding {
    let mut evidence = launched();
    alter(&mut evidence);
    verdict(&evidence, &Policy::default(), at(NOW))
}

fn production(evidence: &mut Evidence) -> &mut InEnvironment {
    &mut evidence.environments[1]
}

#[test]
fn a_flag_at_100_percent_that_is_called_all_day_shows() {
    let finding = judge(|_| ());
    assert_eq!(check(|_| ()), "launched remove-code on: constant-settings; ");
    assert_eq!(finding.next.as_deref(), Some("hoist cleanup new_nav"));
    assert!(finding.reasons[0].detail.contains("production is served `on` since"), "{:?}", finding.reasons);
}

#[test]
fn an_application_without_telemetry_does_not_hide_a_launched_flag() {
    let unheard = |evidence: &mut Evidence| {
        evidence.flag.created_at = at(84);
        production(evidence).timeline = since(85, &["on"]);
        production(evidence).usage = Usage::default();
        evidence.coverage = deaf();
    };
    assert_eq!(
        check(unheard),
        "launched blocked(remove-code) on: constant-settings; telemetry-gap scan-missing"
    );
    assert!(judge(unheard).blockers[0].detail.contains("nobody reports from production"));
    assert_eq!(judge(unheard).next.as_deref(), Some("hoist scan"));
}

#[test]
fn settings_must_have_settled() {
    let on_since = |day| check(|evidence| production(evidence).timeline = since(day, &["on"]));
    assert_eq!(on_since(86), "launched remove-code on: constant-settings; ");
    assert_eq!(on_since(87), "ramping keep -: ; ");
}

#[test]
fn a_flag_is_new_until_it_is_evaluated_or_a_week_old() {
    let made = |day, seen: bool| {
        check(|evidence| {
            evidence.flag.created_at = at(day);
            production(evidence).timeline = since(day, &["off", "on"]);
            if !seen {
                production(evidence).usage = Usage::default();
            }
        })
    };
    assert_eq!(made(94, false), "new keep -: ; ");
    assert_eq!(made(94, true), "ramping blocked(decide) -: single-variant-observed; recent-change");
    assert_eq!(made(93, false), "ramping keep -: ; ");
}

#[test]
fn a_flag_that_was_never_on_where_it_counts_is_being_developed() {
    let off = |staging: Timeline, seen: bool| {
        check(|evidence| {
            evidence.environments[0].timeline = staging;
            production(evidence).timeline = untouched(30);
            if !seen {
                production(evidence).usage = Usage::default();
            }
        })
    };
    assert_eq!(off(since(95, &["on"]), true), "developing keep -: ; ");
    assert_eq!(off(since(40, &["on"]), false), "developing keep -: ; ");
    assert_eq!(off(untouched(30), true), "developing decide -: disabled-everywhere; ");
    assert_eq!(
        off(untouched(30), false),
        "inactive blocked(archive) -: never-evaluated disabled-everywhere; scan-missing"
    );
}

#[test]
fn a_flag_that_was_taken_back_is_launched_off() {
    let off = |staging: Timeline| {
        check(|evidence| {
            evidence.environments[0].timeline = staging;
            production(evidence).timeline = since(60, &["off"]);
        })
    };
    assert_eq!(off(since(60, &["off"])), "launched remove-code off: constant-settings disabled-everywhere; ");
    assert_eq!(off(since(95, &["on"])), "ramping decide -: environments-differ; ");
}

#[test]
fn a_ramp_is_left_alone_until_it_is_forgotten() {
    let ramping = |day| {
        check(|evidence| {
            let mut ramp = environment("production", true, since(day, &["off", "on"]));
            used(&mut ramp, 100, &[("off", 3_000), ("on", 900)]);
            evidence.environments[1] = ramp;
        })
    };
    assert_eq!(ramping(71), "ramping keep -: ; ");
    assert_eq!(ramping(70), "ramping decide -: forgotten-rollout; ");
}

#[test]
fn age_alone_asks_for_a_decision_and_not_while_somebody_is_at_it() {
    let overdue = |day| {
        check(|evidence| {
            evidence.flag.expires_at = Some(at(90));
            production(evidence).timeline = since(day, &["off", "on"]);
            used(production(evidence), 100, &[("off", 3_000), ("on", 900)]);
        })
    };
    assert_eq!(overdue(80), "ramping decide -: past-lifetime; ");
    assert_eq!(overdue(95), "ramping blocked(decide) -: past-lifetime; recent-change");
}

#[test]
fn one_variant_observed_takes_many_observations() {
    let observed = |served: &[(&str, u64)]| {
        check(|evidence| {
            production(evidence).timeline = since(80, &["off", "on"]);
            used(production(evidence), 100, served);
        })
    };
    assert_eq!(observed(&[("on", 1_000)]), "ramping decide -: single-variant-observed; ");
    assert_eq!(observed(&[("", 50), ("on", 1_000)]), "ramping decide -: single-variant-observed; ");
    assert_eq!(observed(&[("on", 999)]), "ramping keep -: ; ");
    assert_eq!(observed(&[("on", 1_000), ("off", 1)]), "ramping keep -: ; ");
}

#[test]
fn callers_that_only_get_their_default_are_not_given_a_variant_by_a_patch() {
    let default_only = check(|evidence| used(production(evidence), 100, &[("", 5)]));
    assert_eq!(default_only, "launched decide on: constant-settings default-only; ");
}

#[test]
fn silence_counts_only_where_it_is_listened_to_for_long_enough() {
    let silent = |last: Option<i64>, coverage: Arc<Coverage>| {
        check(|evidence| {
            let usage = Usage { last_at: last.map(at), ..Usage::default() };
            production(evidence).usage = usage;
            evidence.coverage = coverage;
        })
    };
    let heard =
        |since: i64| Arc::new(Coverage { since: Some(at(since)), ..launched().coverage.as_ref().clone() });
    assert_eq!(
        silent(Some(70), heard(0)),
        "inactive blocked(archive) on: constant-settings no-evaluations; scan-missing"
    );
    assert_eq!(
        silent(None, heard(0)),
        "inactive blocked(archive) on: constant-settings never-evaluated; scan-missing"
    );
    assert_eq!(silent(None, heard(71)), "launched blocked(remove-code) on: constant-settings; scan-missing");
    assert_eq!(
        silent(None, deaf()),
        "launched blocked(remove-code) on: constant-settings; telemetry-gap scan-missing"
    );
}

#[test]
fn critical_environments_must_agree() {
    let with = |variant: &str| {
        check(|evidence| evidence.environments.push(environment("us", true, since(60, &[variant]))))
    };
    assert_eq!(with("on"), "launched remove-code on: constant-settings; ");
    assert_eq!(with("off"), "ramping decide -: environments-differ; ");
}

#[test]
fn a_dependant_blocks_and_is_shown_next() {
    let depended = |evidence: &mut Evidence| {
        evidence.dependants = vec![(FlagKey::stored("search".into()), key("production"))];
    };
    assert_eq!(check(depended), "launched blocked(remove-code) on: constant-settings; dependants");
    assert_eq!(judge(depended).next.as_deref(), Some("hoist flag show search"));
}

#[test]
fn a_recent_change_that_left_the_variant_alone_blocks_all_the_same() {
    let touched = |evidence: &mut Evidence| production(evidence).timeline.changed_at = at(95);
    assert_eq!(check(touched), "launched blocked(remove-code) on: constant-settings; recent-change");
    assert_eq!(judge(touched).next, None);
}

#[test]
fn what_is_permanent_is_kept_whatever_happens() {
    for purpose in [Purpose::KillSwitch, Purpose::Permission] {
        assert_eq!(check(|evidence| evidence.flag.purpose = purpose), "permanent keep -: ; ");
    }
}

#[test]
fn an_archived_flag_is_drained_and_then_deleted() {
    let archived = |day, refused: &[i64], coverage: Option<Arc<Coverage>>| {
        check(|evidence| {
            evidence.flag.archived_at = Some(at(day));
            evidence.environments.clear();
            evidence.refused = refused.iter().copied().map(ask).collect();
            evidence.coverage = coverage.unwrap_or_else(|| evidence.coverage.clone());
        })
    };
    assert_eq!(archived(71, &[], None), "archived keep -: ; ");
    assert_eq!(archived(70, &[], None), "archived delete -: ; ");
    assert_eq!(archived(70, &[94], None), "archived drain -: evaluated-but-archived; ");
    assert_eq!(
        archived(70, &[93], None),
        "archived blocked(delete) -: evaluated-but-archived; old-app-versions"
    );
    assert_eq!(archived(70, &[], Some(deaf())), "archived blocked(delete) -: ; telemetry-gap");
}

#[test]
fn confidence_is_the_sum_it_is_printed_as() {
    let sum = |alter: fn(&mut Evidence)| {
        let confidence = judge(alter).confidence;
        let points: Vec<i32> = confidence.sum.iter().map(|step| step.points).collect();
        assert_eq!(confidence.total, points.iter().sum::<i32>().max(0));
        points
    };
    assert_eq!(sum(|_| ()), [100, -25]);
    assert_eq!(sum(|evidence| evidence.flag.owner.clear()), [100, -25, -10]);
    assert_eq!(sum(|evidence| production(evidence).timeline = since(80, &["on"])), [100, -25, -10]);
    assert_eq!(sum(|evidence| production(evidence).timeline = since(80, &["off", "on"])), [100, -25, -10]);
    assert_eq!(sum(|evidence| evidence.coverage = deaf()), [100, -40, -25]);
    assert_eq!(sum(|evidence| evidence.flag.purpose = Purpose::KillSwitch), [100]);
}

#[test]
fn commands_name_the_project_unless_it_is_the_default() {
    let finding = judge(|evidence| evidence.project = ProjectKey::stored("shop".into()));
    assert_eq!(finding.next.as_deref(), Some("hoist --project shop cleanup new_nav"));
}
