//! What is told of a change to whoever looks after the server: a span while its trace is recorded, and log lines once
//! it is made. The reason and the values stay in the audit.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::Draft;
use crate::access::Caller;
use crate::audit::Entry;
use crate::error::Error;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::telemetry::span::{Kind, Span};

/// What is told of a change, from its beginning to its end.
#[derive(Debug)]
pub(super) struct Telling {
    begun: Instant,
    span: Option<Span>,
    outcome: &'static str,
    about: About,
}

/// What was changed, for the log.
#[derive(Debug, Default)]
struct About {
    project: String,
    actor: String,
    action: String,
    flag: Option<String>,
    revisions: Vec<(EnvironmentKey, u64)>,
}

impl Telling {
    /// Begins; until it ends, the change's statements belong to its span.
    pub(super) fn begin(caller: &Caller, project: &ProjectKey) -> Self {
        let span = Span::begin(Kind::Internal, || "change".to_owned()).map(|mut span| {
            span.note("hoist.project", &**project);
            span.note("hoist.actor", caller.actor.as_str());
            span.note("hoist.via", caller.via.name());
            span.entered()
        });
        let about = About { project: project.to_string(), actor: caller.actor.clone(), ..About::default() };
        Self { begun: Instant::now(), span, outcome: "refused", about }
    }

    /// Notes what is about to be made.
    pub(super) fn note(&mut self, drafts: &BTreeMap<EnvironmentKey, Draft>, entries: &[Entry]) {
        let about = &mut self.about;
        about.revisions = drafts.iter().map(|(key, draft)| (key.clone(), draft.revision)).collect();
        let actions: BTreeSet<String> = entries.iter().map(|entry| entry.action.name()).collect();
        about.action = Vec::from_iter(actions).join(",");
        let flags: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.flag.as_deref()).collect();
        // A change of many flags is found by its project and its revision.
        about.flag = (flags.len() == 1).then(|| flags.into_iter().collect());
        let Some(span) = &mut self.span else { return };
        span.note("hoist.action", about.action.as_str());
        if let Some(flag) = &about.flag {
            span.note("hoist.flag", flag.as_str());
        }
        if !about.revisions.is_empty() {
            let (environments, revisions): (Vec<_>, Vec<_>) =
                about.revisions.iter().map(|(key, revision)| (key.to_string(), *revision)).unzip();
            span.note("hoist.environments", environments);
            span.note("hoist.revisions", revisions);
        }
    }

    /// Says how it ends without a commit, when it is not refused.
    pub(super) fn ends(&mut self, outcome: &'static str) {
        self.outcome = outcome;
    }

    /// Says how its commit ended, and logs what was made: a line for each environment, or one.
    pub(super) fn ended(&mut self, committed: Result<(), &Error>) {
        match committed {
            Ok(()) => self.outcome = "committed",
            Err(error) => {
                self.outcome = if matches!(error, Error::Undecided) { "undecided" } else { "refused" };
                if let Some(span) = &mut self.span {
                    span.fail(self.outcome);
                }
                return;
            }
        }
        let duration_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let About { project, actor, action, flag, revisions } = &self.about;
        let places = revisions.iter().map(|(environment, revision)| (Some(&**environment), Some(*revision)));
        let nowhere = revisions.is_empty().then_some((None, None));
        for (environment, revision) in places.chain(nowhere) {
            tracing::info!(project, environment, flag, revision, actor, action, duration_ms, "changed");
        }
    }

    /// How long it has taken so far.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if let Some(span) = &mut self.span {
            span.note("hoist.outcome", self.outcome);
        }
    }
}
