//! Stale flags: for each flag a verdict from evidence.
//!
//! The verdict is a pure function of what the history says the settings can serve, what exposures say was served,
//! purpose, expiry, owner and dependants. It is computed when asked for and never stored. What is not known is said
//! and not guessed: an application that reports nothing does not make a flag unused, and where the code has not been
//! scanned no verdict rests on it. The order is complete, remove code, deploy, drain, archive, delete; never disable
//! first.

pub(crate) mod api;
mod blockers;
mod coverage;
mod csv;
mod evidence;
mod facts;
mod gather;
mod markdown;
mod reasons;
mod report;
mod serving;
pub(crate) mod store;
mod strangers;
mod timeline;
mod verdict;

pub use coverage::{Coverage, Silent};
pub use report::{Report, Summary};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::flags::Purpose;
use crate::keys::EnvironmentKey;

/// Defines an enum of stable codes: one text on the wire, in the query and in the exports.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)+ }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "kebab-case")]
        $(#[$doc])*
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }
    };
}

codes! {
    /// Where a flag stands in its life.
    Stage {
        /// Just made, and never evaluated.
        New = "new",
        /// Not yet turned on in a critical environment.
        Developing = "developing",
        /// Serves more than one variant, or did until not long ago.
        Ramping = "ramping",
        /// Has served everyone the same in every critical environment for a while.
        Launched = "launched",
        /// Not evaluated in any critical environment for long, and somebody would have told.
        Inactive = "inactive",
        /// Gone from the code and still evaluated; known only where the code is scanned.
        Draining = "draining",
        /// Meant to stay.
        Permanent = "permanent",
        /// Archived.
        Archived = "archived",
    }
}

codes! {
    /// Why a flag may be stale.
    #[schema(as = StaleReason)]
    Reason {
        /// The settings can serve one variant only, the same in every critical environment.
        ConstantSettings = "constant-settings",
        /// The settings can serve several variants, and one is served.
        SingleVariantObserved = "single-variant-observed",
        /// Evaluated once, but not for long.
        NoEvaluations = "no-evaluations",
        /// Never evaluated.
        NeverEvaluated = "never-evaluated",
        /// Callers got their own default and nothing else.
        DefaultOnly = "default-only",
        /// Off in every environment.
        DisabledEverywhere = "disabled-everywhere",
        /// Older than a flag of its purpose should become.
        PastLifetime = "past-lifetime",
        /// Rolled out to some, and left so.
        ForgottenRollout = "forgotten-rollout",
        /// The environments have settled on different variants.
        EnvironmentsDiffer = "environments-differ",
        /// Archived, and applications still ask for it.
        EvaluatedButArchived = "evaluated-but-archived",
        /// Applications ask for it, and there is no such flag.
        EvaluatedButUnknown = "evaluated-but-unknown",
    }
}

codes! {
    /// What stands in the way of a verdict.
    Blocker {
        /// Other flags have it as a prerequisite.
        Dependants = "dependants",
        /// Its settings were changed not long ago.
        RecentChange = "recent-change",
        /// Too many applications report nothing.
        TelemetryGap = "telemetry-gap",
        /// The code has not been scanned for references.
        ScanMissing = "scan-missing",
        /// Old versions of applications asked for it not long ago.
        OldAppVersions = "old-app-versions",
    }
}

codes! {
    /// What to do with a flag.
    Verdict {
        /// Nothing.
        Keep = "keep",
        /// A person must choose what becomes of it.
        Decide = "decide",
        /// Fold the surviving variant into the code.
        RemoveCode = "remove-code",
        /// Wait until nobody asks for it any more.
        Drain = "drain",
        /// Archive it.
        Archive = "archive",
        /// Delete it.
        Delete = "delete",
        /// Something would be done but for the blockers.
        Blocked = "blocked",
    }
}

/// How long is long, and how much is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StalePolicy)]
pub struct Policy {
    /// How long a flag is new.
    pub grace_days: u32,
    /// How long settings must have served the same to count as settled.
    pub settle_days: u32,
    /// How long nobody must have evaluated a flag to call it inactive.
    pub silence_days: u32,
    /// How long nobody must have asked for an archived flag, and how long an application may be silent.
    pub drain_days: u32,
    /// How long a partial rollout must have been left alone to call it forgotten.
    pub forgotten_days: u32,
    /// How long a flag stays archived before it is deleted.
    pub delete_after_days: u32,
    /// The share of applications that must report for silence to mean something.
    pub coverage_percent: u32,
    /// How many evaluations must have served one variant for that to mean something.
    pub observed_evaluations: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            grace_days: 7,
            settle_days: 14,
            silence_days: 30,
            drain_days: 7,
            forgotten_days: 30,
            delete_after_days: 30,
            coverage_percent: 95,
            observed_evaluations: 1_000,
        }
    }
}

/// A reason or a blocker with what speaks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Note<C> {
    /// The stable code.
    pub code: C,
    /// The evidence, in a sentence.
    pub detail: String,
}

/// One step of the arithmetic of a confidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Points {
    /// What is counted.
    pub why: String,
    /// How much it counts.
    pub points: i32,
}

/// How sure a verdict is, as the sum it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Confidence {
    /// From 0 to 100.
    pub total: i32,
    /// What adds up to it.
    pub sum: Vec<Points>,
}

/// How often a variant was served while settings settle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Served {
    /// The variant; null where the caller's default was served.
    pub variant: Option<String>,
    /// How often, where the application asked for this flag.
    pub count: u64,
}

/// How a flag stands in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standing {
    /// The environment.
    #[schema(value_type = String)]
    pub environment: EnvironmentKey,
    /// Whether verdicts rest on it.
    pub critical: bool,
    /// Whether the flag is on.
    pub enabled: bool,
    /// The one variant that the settings can serve; null when there are several.
    pub constant_variant: Option<String>,
    /// Since when that is so.
    pub constant_since: Option<Timestamp>,
    /// When the settings last changed in meaning.
    pub changed_at: Timestamp,
    /// When an application last asked for the flag.
    pub last_evaluated_at: Option<Timestamp>,
    /// What was served while settings settle.
    pub served: Vec<Served>,
}

/// Who asked for a flag last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ask {
    /// In which environment.
    #[schema(value_type = String)]
    pub environment: EnvironmentKey,
    /// Which application.
    pub app: String,
    /// Its version; empty when it does not say.
    pub app_version: String,
    /// When.
    pub at: Timestamp,
}

/// What is found about one flag, or about a key that is no flag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// The key.
    pub flag: String,
    /// Where the flag stands; null for a key that is no flag.
    pub stage: Option<Stage>,
    /// What to do.
    pub verdict: Verdict,
    /// What the verdict would be but for the blockers.
    pub blocked_verdict: Option<Verdict>,
    /// How sure the verdict is.
    pub confidence: Confidence,
    /// Every reason that applies.
    pub reasons: Vec<Note<Reason>>,
    /// Everything that stands in the way.
    pub blockers: Vec<Note<Blocker>>,
    /// The variant that stays when the flag goes; only when all critical environments agree on it.
    pub surviving_variant: Option<String>,
    /// What the flag is for.
    pub purpose: Option<Purpose>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it should be gone.
    pub expires_at: Option<Timestamp>,
    /// How it stands in each environment.
    pub environments: Vec<Standing>,
    /// Who asked for it last, if anyone did lately.
    pub last_evaluated: Option<Ask>,
    /// The next command to type.
    pub next: Option<String>,
}

impl<C> Note<C> {
    fn new(code: C, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
