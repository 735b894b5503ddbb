//! Puts what the store holds about a project together, flag by flag.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::coverage::Coverage;
use super::evidence::{Evidence, FlagFacts, InEnvironment, Listener, Usage};
use super::strangers::Stranger;
use super::timeline::{State, Timeline};
use super::{Ask, Policy};
use crate::clock::Timestamp;
use crate::history::Event;
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};

/// A request that was under way when a flag was archived may be reported this much later.
const IN_FLIGHT_MS: i64 = 60 * 60 * 1_000;

/// What the store holds about a project, as it holds it.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) project: ProjectKey,
    /// The environments in their order, and whether each is protected.
    pub(super) environments: Vec<(EnvironmentKey, bool)>,
    pub(super) flags: Vec<FlagFacts>,
    /// Every state of every flag, by flag and environment, newest first.
    pub(super) history: Vec<(EnvironmentKey, Event)>,
    pub(super) evaluated: Vec<Evaluated>,
    pub(super) served: Vec<ServedRow>,
    pub(super) heard: Vec<Listener>,
    pub(super) refused: Vec<Stranger>,
}

/// When a flag was last asked for in an environment, ever.
#[derive(Debug)]
pub(super) struct Evaluated {
    pub(super) flag: String,
    pub(super) environment: String,
    pub(super) last_at: Timestamp,
}

/// What an application was served within the silence window, and how often within the settle window.
#[derive(Debug)]
pub(super) struct ServedRow {
    pub(super) flag: String,
    pub(super) variant: String,
    pub(super) ask: Ask,
    pub(super) count: u64,
}

/// Evidence on every flag, and the keys that are none.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) project: ProjectKey,
    pub(super) evidence: Vec<Evidence>,
    pub(super) strangers: Vec<Stranger>,
    pub(super) coverage: Arc<Coverage>,
}

type Place = (String, String);

/// Sorts rows into evidence.
pub(super) fn gather(rows: Rows, policy: &Policy, now: Timestamp) -> Gathered {
    let critical = critical(&rows.environments);
    let coverage = Arc::new(Coverage::of(&critical, &rows.heard, policy, now));
    let mut timelines = timelines(&rows.history);
    let mut usages = usages(rows.evaluated, rows.served);
    let (mut refused, strangers) = split_refused(rows.refused, &rows.flags);
    let mut evidence: Vec<Evidence> = Vec::with_capacity(rows.flags.len());
    for flag in rows.flags {
        let environments = rows.environments.iter().filter_map(|(key, _)| {
            let place = (flag.key.to_string(), key.to_string());
            let usage = usages.remove(&place).unwrap_or_default();
            let timeline = timelines.remove(&place)?;
            Some(InEnvironment { key: key.clone(), critical: critical.contains(key), timeline, usage })
        });
        evidence.push(Evidence {
            project: rows.project.clone(),
            environments: environments.collect(),
            dependants: Vec::new(),
            refused: refused.remove(&*flag.key).unwrap_or_default(),
            coverage: coverage.clone(),
            flag,
        });
    }
    add_dependants(&mut evidence);
    Gathered { project: rows.project, evidence, strangers, coverage }
}

/// The protected environments; all when none is protected.
fn critical(environments: &[(EnvironmentKey, bool)]) -> Vec<EnvironmentKey> {
    let none_protected = environments.iter().all(|(_, protected)| !protected);
    let critical = environments.iter().filter(|(_, protected)| *protected || none_protected);
    critical.map(|(key, _)| key.clone()).collect()
}

fn timelines(history: &[(EnvironmentKey, Event)]) -> BTreeMap<Place, Timeline> {
    let runs = history.chunk_by(|(left, a), (right, b)| left == right && a.key == b.key);
    runs.filter_map(|run| {
        let (environment, newest) = run.first()?;
        let states = run
            .iter()
            .map(|(_, event)| -> State<'_> { (event.at, event.document.as_ref().map(|it| it.get())) });
        Some(((newest.key.clone(), environment.to_string()), Timeline::read(states)?))
    })
    .collect()
}

fn usages(evaluated: Vec<Evaluated>, served: Vec<ServedRow>) -> BTreeMap<Place, Usage> {
    let mut usages: BTreeMap<Place, Usage> = BTreeMap::new();
    for row in evaluated {
        usages.entry((row.flag, row.environment)).or_default().last_at = Some(row.last_at);
    }
    for row in served {
        let usage = usages.entry((row.flag, row.ask.environment.to_string())).or_default();
        if row.count > 0 {
            *usage.served.entry(row.variant).or_default() += row.count;
        }
        if usage.last.as_ref().is_none_or(|last| last.at < row.ask.at) {
            usage.last = Some(row.ask);
        }
    }
    usages
}

/// Tells those who asked for an archived flag from those who asked for what is no flag. A flag that was made since its
/// key was first asked for is neither.
fn split_refused(refused: Vec<Stranger>, flags: &[FlagFacts]) -> (BTreeMap<String, Vec<Ask>>, Vec<Stranger>) {
    let known: BTreeMap<&str, Option<Timestamp>> =
        flags.iter().map(|flag| (&*flag.key, flag.archived_at)).collect();
    let (mut archived, mut strangers) = (BTreeMap::<String, Vec<Ask>>::new(), Vec::new());
    for stranger in refused {
        match known.get(stranger.key.as_str()) {
            None => strangers.push(stranger),
            Some(Some(at)) if stranger.ask.at.ms() > at.ms() + IN_FLIGHT_MS => {
                archived.entry(stranger.key).or_default().push(stranger.ask);
            }
            Some(_) => {}
        }
    }
    for asks in archived.values_mut() {
        asks.sort_by_key(|ask| std::cmp::Reverse(ask.at));
    }
    (archived, strangers)
}

fn add_dependants(evidence: &mut [Evidence]) {
    let mut dependants: BTreeMap<String, Vec<(FlagKey, EnvironmentKey)>> = BTreeMap::new();
    for one in evidence.iter() {
        for environment in &one.environments {
            for prerequisite in &environment.timeline.prerequisites {
                let dependant = (one.flag.key.clone(), environment.key.clone());
                dependants.entry(prerequisite.clone()).or_default().push(dependant);
            }
        }
    }
    for one in evidence {
        one.dependants = dependants.remove(&*one.flag.key).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
