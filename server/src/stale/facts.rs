//! What follows from the evidence, in the words that stage, reasons and blockers are told in.

use std::collections::BTreeMap;

use super::evidence::{Evidence, InEnvironment, days};
use super::{Ask, Policy, Stage};
use crate::clock::Timestamp;

/// The evidence on one flag, under a policy, at an instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
}

/// Whether the critical environments' settings have come to rest, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Agreement<'a> {
    /// Some environment's settings can serve several variants, or could not long ago.
    Moving,
    /// Each has settled, but not all on the same variant; or all are off while another environment is on.
    Differs,
    /// All serve everyone this variant, the last of them since this instant.
    Settled(&'a str, Timestamp),
}

impl<'a> Facts<'a> {
    /// The stage; the first that fits.
    pub(super) fn stage(&self) -> Stage {
        let flag = &self.evidence.flag;
        if flag.archived_at.is_some() {
            return Stage::Archived;
        }
        if flag.purpose.lifetime().is_none() {
            return Stage::Permanent;
        }
        if !self.is_past(flag.created_at, self.policy.grace_days) && self.last_evaluated_at().is_none() {
            return Stage::New;
        }
        let was_critical = self.was_enabled_where_critical();
        if !was_critical && self.evidence.environments.iter().any(|one| one.timeline.ever_enabled) {
            return Stage::Developing;
        }
        if self.is_silent() {
            return Stage::Inactive;
        }
        match self.agreement() {
            _ if !was_critical => Stage::Developing,
            Agreement::Settled(..) => Stage::Launched,
            Agreement::Moving | Agreement::Differs => Stage::Ramping,
        }
    }

    /// The variant that stays when the flag goes.
    pub(super) fn surviving_variant(&self) -> Option<&'a str> {
        if !matches!(self.stage(), Stage::Launched | Stage::Inactive) || !self.was_enabled_where_critical() {
            return None;
        }
        match self.agreement() {
            Agreement::Settled(variant, _) => Some(variant),
            Agreement::Moving | Agreement::Differs => None,
        }
    }

    /// Whether the critical environments agree.
    pub(super) fn agreement(&self) -> Agreement<'a> {
        let mut settled: Option<(&str, Timestamp)> = None;
        let mut differs = false;
        for one in self.critical() {
            let (Some(variant), Some(since)) = (one.timeline.constant(), one.timeline.constant_since) else {
                return Agreement::Moving;
            };
            if !self.is_past(since, self.policy.settle_days) {
                return Agreement::Moving;
            }
            differs |= settled.is_some_and(|(other, _)| other != variant);
            settled = Some((variant, settled.map_or(since, |(_, other)| other.max(since))));
        }
        let Some((variant, since)) = settled else { return Agreement::Moving };
        if differs || self.is_off_only_where_critical() {
            return Agreement::Differs;
        }
        Agreement::Settled(variant, since)
    }

    /// The environments that verdicts rest on.
    pub(super) fn critical(&self) -> impl Iterator<Item = &'a InEnvironment> + use<'a> {
        self.evidence.environments.iter().filter(|one| one.critical)
    }

    /// Whether an instant lies at least so many days back.
    pub(super) fn is_past(&self, at: Timestamp, count: u32) -> bool {
        self.now >= at && self.now.since(at) >= days(count)
    }

    /// How many whole days an instant lies back.
    pub(super) fn days_since(&self, at: Timestamp) -> u64 {
        self.now.since(at).as_secs() / days(1).as_secs()
    }

    /// When an application last asked for the flag, anywhere.
    pub(super) fn last_evaluated_at(&self) -> Option<Timestamp> {
        self.evidence.environments.iter().filter_map(|one| one.usage.last_at).max()
    }

    /// Who asked for the flag last, within the silence window.
    pub(super) fn last_evaluated(&self) -> Option<&'a Ask> {
        let asks = self.evidence.environments.iter().filter_map(|one| one.usage.last.as_ref());
        asks.chain(self.evidence.refused.first()).max_by_key(|ask| ask.at)
    }

    /// Whether nobody has evaluated the flag for long in any critical environment, and it would be known.
    pub(super) fn is_silent(&self) -> bool {
        let quiet = |one: &InEnvironment| {
            one.usage.last_at.is_none_or(|at| self.is_past(at, self.policy.silence_days))
        };
        self.is_past(self.evidence.flag.created_at, self.policy.silence_days)
            && self.evidence.coverage.proves_silence(self.policy, self.now)
            && self.critical().all(quiet)
    }

    /// How often the critical environments served each variant within the settle window.
    pub(super) fn served(&self) -> BTreeMap<&'a str, u64> {
        let mut served = BTreeMap::new();
        for (variant, count) in self.critical().flat_map(|one| &one.usage.served) {
            *served.entry(variant.as_str()).or_default() += count;
        }
        served
    }

    /// Whether callers got their own default and nothing else.
    pub(super) fn is_default_only(&self) -> bool {
        self.served().into_keys().eq([""])
    }

    /// Since when the flag has been off in every environment.
    pub(super) fn disabled_since(&self) -> Option<Timestamp> {
        let since: Option<Vec<Timestamp>> =
            self.evidence.environments.iter().map(|one| one.timeline.disabled_since).collect();
        since?.into_iter().max()
    }

    /// Who asked for an archived flag within the drain window.
    pub(super) fn still_asked(&self) -> Option<&'a Ask> {
        self.evidence.refused.first().filter(|ask| !self.is_past(ask.at, self.policy.drain_days))
    }

    /// Whether the flag was ever on in a critical environment.
    pub(super) fn was_enabled_where_critical(&self) -> bool {
        self.critical().any(|one| one.timeline.ever_enabled)
    }

    /// A flag that was taken back in production and is on in staging is being worked on.
    fn is_off_only_where_critical(&self) -> bool {
        self.was_enabled_where_critical()
            && self.critical().all(|one| !one.timeline.enabled)
            && self.evidence.environments.iter().any(|one| one.timeline.enabled)
    }
}
