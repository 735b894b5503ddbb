//! What stands in the way of a verdict, and how sure a verdict is.

use super::facts::{Agreement, Facts};
use super::{Blocker, Confidence, Note, Points, Reason, Verdict};

impl Facts<'_> {
    /// Everything that stands in the way of a verdict. Each verdict is held up only by what could make it wrong: to
    /// choose needs no more than that nobody is choosing right now.
    pub(super) fn blockers(&self, verdict: Verdict) -> Vec<Note<Blocker>> {
        let blockers = match verdict {
            Verdict::Keep | Verdict::Drain | Verdict::Blocked => Vec::new(),
            Verdict::Decide => vec![self.recent_change()],
            Verdict::RemoveCode => {
                // An application that asks for the flag has it in its code: no scan is needed to know that.
                let unseen = self.last_evaluated().is_none().then(scan_missing);
                vec![self.dependants(), self.recent_change(), self.telemetry_gap(), unseen]
            }
            Verdict::Archive => {
                vec![self.dependants(), self.recent_change(), self.telemetry_gap(), Some(scan_missing())]
            }
            Verdict::Delete => vec![self.telemetry_gap(), self.old_app_versions()],
        };
        blockers.into_iter().flatten().collect()
    }

    /// How sure a verdict is, given the reasons for it. To keep a flag needs no evidence.
    pub(super) fn confidence(&self, verdict: Verdict, reasons: &[Note<Reason>]) -> Confidence {
        if verdict == Verdict::Keep {
            return Confidence::full();
        }
        let has = |code: Reason| reasons.iter().any(|reason| reason.code == code);
        let coverage = &self.evidence.coverage;
        let mut confidence = Confidence::full();
        if !coverage.suffices(self.policy) {
            let (percent, least) = (coverage.percent, self.policy.coverage_percent);
            confidence.take(40, format!("{percent} % of the applications report, less than {least} %"));
        }
        confidence.take(25, "the code has not been scanned".to_owned());
        if has(Reason::SingleVariantObserved) && !has(Reason::ConstantSettings) {
            confidence.take(10, "one variant is observed, but the settings could serve others".to_owned());
        }
        if let Agreement::Settled(_, since) = self.agreement() {
            let long = self.policy.settle_days.saturating_mul(2);
            if !self.is_past(since, long) {
                confidence.take(10, format!("settled for less than {long} days"));
            }
        }
        if self.evidence.flag.owner.is_empty() {
            confidence.take(10, "nobody owns it".to_owned());
        }
        confidence
    }

    fn dependants(&self) -> Option<Note<Blocker>> {
        let each =
            self.evidence.dependants.iter().map(|(flag, environment)| format!("`{flag}` in {environment}"));
        let each: Vec<String> = each.collect();
        (!each.is_empty())
            .then(|| Note::new(Blocker::Dependants, format!("a prerequisite of {}", each.join(", "))))
    }

    fn recent_change(&self) -> Option<Note<Blocker>> {
        let recent =
            self.critical().filter(|one| !self.is_past(one.timeline.changed_at, self.policy.settle_days));
        let newest = recent.max_by_key(|one| one.timeline.changed_at)?;
        let (at, days) = (newest.timeline.changed_at, self.policy.settle_days);
        let detail = format!("changed in {} at {at}, less than {days} days ago", newest.key);
        Some(Note::new(Blocker::RecentChange, detail))
    }

    fn telemetry_gap(&self) -> Option<Note<Blocker>> {
        let coverage = &self.evidence.coverage;
        (!coverage.suffices(self.policy)).then(|| Note::new(Blocker::TelemetryGap, coverage.gap(self.policy)))
    }

    fn old_app_versions(&self) -> Option<Note<Blocker>> {
        let ask = self.evidence.refused.first()?;
        let days = self.policy.silence_days;
        Some(Note::new(
            Blocker::OldAppVersions,
            format!("{ask} asked for it at {}, less than {days} days ago", ask.at),
        ))
    }
}

fn scan_missing() -> Note<Blocker> {
    Note::new(Blocker::ScanMissing, "no code has been scanned, so nobody knows where it is referred to")
}

impl Confidence {
    pub(super) fn full() -> Self {
        Self { total: 100, sum: vec![Points { why: "to begin with".to_owned(), points: 100 }] }
    }

    fn take(&mut self, points: i32, why: String) {
        self.total = (self.total - points).max(0);
        self.sum.push(Points { why, points: -points });
    }
}
