//! Every reason that applies to a flag, with its evidence.

use super::facts::{Agreement, Facts};
use super::{Note, Reason, Stage};

impl Facts<'_> {
    /// Every reason that applies. What is permanent is untouched by design, and what is archived is out of use, so that
    /// only those who still ask for it count.
    pub(super) fn reasons(&self) -> Vec<Note<Reason>> {
        let reasons = match self.stage() {
            Stage::Permanent => Vec::new(),
            Stage::Archived => vec![self.evaluated_but_archived()],
            _ => vec![
                self.constant_settings(),
                self.single_variant_observed(),
                self.no_evaluations(),
                self.default_only(),
                self.disabled_everywhere(),
                self.past_lifetime(),
                self.forgotten_rollout(),
                self.environments_differ(),
            ],
        };
        reasons.into_iter().flatten().collect()
    }

    /// Off since it was made is not a constant that anyone chose.
    fn constant_settings(&self) -> Option<Note<Reason>> {
        let Agreement::Settled(variant, since) = self.agreement() else { return None };
        if !self.was_enabled_where_critical() {
            return None;
        }
        let names: Vec<&str> = self.critical().map(|one| &*one.key).collect();
        let (names, days) = (names.join(", "), self.days_since(since));
        let detail = format!("everyone in {names} is served `{variant}` since {since} ({days} days)");
        Some(Note::new(Reason::ConstantSettings, detail))
    }

    fn single_variant_observed(&self) -> Option<Note<Reason>> {
        let mut served = self.served();
        served.remove("");
        let (variant, count) = served.pop_first().filter(|_| served.is_empty())?;
        let varies = self.critical().any(|one| one.timeline.possible.len() > 1);
        if !varies || count < self.policy.observed_evaluations {
            return None;
        }
        let days = self.policy.settle_days;
        let detail = format!(
            "the settings can serve several variants; all {count} evaluations in {days} days got `{variant}`"
        );
        Some(Note::new(Reason::SingleVariantObserved, detail))
    }

    /// Nobody need ask for a flag where it was never on, so that one under development has no such reason.
    fn no_evaluations(&self) -> Option<Note<Reason>> {
        if self.stage() != Stage::Inactive {
            return None;
        }
        if self.last_evaluated_at().is_none() {
            let days = self.days_since(self.evidence.flag.created_at);
            return Some(Note::new(
                Reason::NeverEvaluated,
                format!("nobody asked for it in the {days} days of its life"),
            ));
        }
        let last = self.critical().filter_map(|one| one.usage.last_at).max();
        let detail = match last {
            Some(at) => format!(
                "nobody asked for it in a critical environment since {at} ({} days)",
                self.days_since(at)
            ),
            None => "nobody ever asked for it in a critical environment".to_owned(),
        };
        Some(Note::new(Reason::NoEvaluations, detail))
    }

    fn default_only(&self) -> Option<Note<Reason>> {
        let days = self.policy.settle_days;
        let detail = format!("every caller in {days} days got its own default and no variant of the flag");
        self.is_default_only().then(|| Note::new(Reason::DefaultOnly, detail))
    }

    fn disabled_everywhere(&self) -> Option<Note<Reason>> {
        let since = self.disabled_since().filter(|since| self.is_past(*since, self.policy.settle_days))?;
        let detail = format!("off in every environment since {since} ({} days)", self.days_since(since));
        Some(Note::new(Reason::DisabledEverywhere, detail))
    }

    fn past_lifetime(&self) -> Option<Note<Reason>> {
        let end = self.evidence.flag.expires_at.filter(|end| *end < self.now)?;
        let detail = format!("should have been gone by {end} ({} days ago)", self.days_since(end));
        Some(Note::new(Reason::PastLifetime, detail))
    }

    fn forgotten_rollout(&self) -> Option<Note<Reason>> {
        let left = |since| self.is_past(since, self.policy.forgotten_days);
        let one = self.critical().find(|one| one.timeline.partial && left(one.timeline.changed_at))?;
        let (at, days) = (one.timeline.changed_at, self.days_since(one.timeline.changed_at));
        let detail = format!("rolled out to some in {} and left so since {at} ({days} days)", one.key);
        Some(Note::new(Reason::ForgottenRollout, detail))
    }

    fn environments_differ(&self) -> Option<Note<Reason>> {
        if self.agreement() != Agreement::Differs {
            return None;
        }
        let each = self.evidence.environments.iter().map(|one| match one.timeline.constant() {
            Some(variant) => format!("`{variant}` in {}", one.key),
            None => format!("several variants in {}", one.key),
        });
        Some(Note::new(Reason::EnvironmentsDiffer, each.collect::<Vec<_>>().join(", ")))
    }

    fn evaluated_but_archived(&self) -> Option<Note<Reason>> {
        let ask = self.evidence.refused.first()?;
        Some(Note::new(Reason::EvaluatedButArchived, format!("{ask} asked for it at {}", ask.at)))
    }
}
