//! OFREP: flags evaluated by the server, for every language that has an `OpenFeature` client.
//!
//! The protocol is OFREP 0.3.0 (the OpenFeature Remote Evaluation Protocol): one flag, all flags with an `ETag`, and an
//! event stream that tells a browser when to ask again. The answers are those of [`hoist_evaluation::evaluate`], as in
//! every SDK: a flag that needed a targeting key and had none serves its off variant here, too. Every field that some
//! published client cannot do without is always there.
//!
//! Neighbours: `snapshots` holds what is evaluated, `exposures` stores what is counted here.

pub(crate) mod api;
pub(crate) mod client_api;
pub(crate) mod counting;
pub(crate) mod events_api;
pub(crate) mod failure_api;
pub(crate) mod token;

use std::fmt::Write;

use hoist_evaluation::{ErrorCode, Evaluation, Flag, FlagType, Reason};
use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// The largest request, in bytes.
pub const MAX_REQUEST: usize = 256 * 1024;
/// After how long a hidden page should close its event stream, in seconds.
pub const INACTIVITY_SECONDS: u32 = 120;
/// How much of a hash an entity tag has: enough that no two answers ever share one by chance.
const TAG_BYTES: usize = 16;

/// What a flag serves to a context.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Served<'a> {
    /// The flag's key.
    pub key: &'a str,
    /// The value. Where one of a number flag's variants is written with a fraction, all have a decimal point.
    #[schema(value_type = Value)]
    pub value: Written<'a>,
    /// Why: `STATIC`, `TARGETING_MATCH`, `SPLIT`, `DEFAULT` or `DISABLED`.
    pub reason: &'static str,
    /// The variant's key.
    pub variant: &'a str,
    /// What else is known of the answer.
    pub metadata: Metadata<'a>,
}

/// What is known of an answer beside its value: texts and numbers only, as the protocol wants it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Metadata<'a> {
    /// The version of the flag's settings.
    pub version: u64,
    /// The environment.
    pub environment: &'a str,
    /// The rule that served: its name, or its place counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub rule: Option<RuleName<'a>>,
}

/// The name of a rule, or its place where it has none.
#[derive(Debug, PartialEq)]
pub(crate) enum RuleName<'a> {
    /// As a person called it.
    Named(&'a str),
    /// Its place among the flag's rules.
    Place(u16),
}

impl Serialize for RuleName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named(name) => serializer.serialize_str(name),
            Self::Place(place) => serializer.collect_str(place),
        }
    }
}

/// A value as it is written.
#[derive(Debug)]
pub(crate) enum Written<'a> {
    /// As it stands in the flag.
    AsIs(&'a Value),
    /// With a decimal point, because the Python client takes `1` for no float.
    Fraction(f64),
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::AsIs(value) => value.serialize(serializer),
            Self::Fraction(number) => serializer.serialize_f64(*number),
        }
    }
}

/// Why a flag, or a whole request, gets no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    /// The flag's key; absent when it is the request that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The kind of failure, in `OpenFeature`'s words.
    pub error_code: ErrorCode,
    /// What happened.
    pub error_details: String,
}

/// One flag's part of an answer to a question for all flags.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Item<'a> {
    /// It serves a variant.
    Served(Served<'a>),
    /// It is broken.
    Failed(Failure),
}

impl<'a> Item<'a> {
    /// Puts an evaluation into the protocol's words.
    pub(crate) fn of(key: &'a str, evaluation: &Evaluation<'a>, environment: &'a str) -> Self {
        match (evaluation.flag, evaluation.value(), evaluation.variant()) {
            (Some(flag), Some(value), Some(variant)) => Self::Served(Served {
                key,
                value: written(flag, value),
                reason: reason(evaluation.reason),
                variant,
                metadata: Metadata {
                    version: flag.version(),
                    environment,
                    rule: rule(flag, evaluation.rule),
                },
            }),
            _ => Self::Failed(Failure::of_flag(key, evaluation.reason)),
        }
    }
}

impl Failure {
    /// A failure of the whole request.
    pub(crate) fn new(error_code: ErrorCode, error_details: impl Into<String>) -> Self {
        Self { key: None, error_code, error_details: error_details.into() }
    }

    pub(crate) fn of_flag(key: impl Into<String>, reason: Reason) -> Self {
        let key = key.into();
        let error_code = if let Reason::Error(code) = reason { code } else { ErrorCode::General };
        let error_details = match error_code {
            ErrorCode::FlagNotFound => format!("there is no flag `{key}`"),
            ErrorCode::ParseError => format!("the definition of `{key}` has problems"),
            code => format!("`{key}` has no answer: {code}"),
        };
        Self { key: Some(key), error_code, error_details }
    }
}

/// `PREREQUISITE_FAILED` is no reason that clients know; to them, the flag is off.
fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::PrerequisiteFailed => Reason::Disabled.as_str(),
        reason => reason.as_str(),
    }
}

fn rule(flag: &Flag, place: Option<u16>) -> Option<RuleName<'_>> {
    let place = place?;
    let rule = flag.definition()?.settings.rules.get(usize::from(place))?;
    Some(rule.name.as_deref().map_or(RuleName::Place(place), RuleName::Named))
}

fn written<'a>(flag: &Flag, value: &'a Value) -> Written<'a> {
    let fractions = flag.flag_type() == Some(FlagType::Number) && flag.variants().have_fractions();
    match value.as_f64().filter(|_| fractions) {
        Some(number) => Written::Fraction(number),
        None => Written::AsIs(value),
    }
}

/// The entity tag of an answer. It changes with every byte of it, so that a context is never told that the answer to
/// another one still holds; with `window`, so that a client that hears nothing new still gets a new event token; and
/// with the token, because a client that is told that nothing changed keeps the event token that it has, which ends
/// with the token that asked for it.
pub(crate) fn tag(token: &str, flags: &[u8], window: i64) -> String {
    let mut hash = Sha256::new();
    hash.update(token);
    hash.update(window.to_be_bytes());
    hash.update(flags);
    let hash = hash.finalize();
    let mut tag = String::with_capacity(2 * TAG_BYTES + 2);
    tag.push('"');
    hash.iter().take(TAG_BYTES).for_each(|byte| _ = write!(tag, "{byte:02x}"));
    tag.push('"');
    tag
}

#[cfg(test)]
mod tests;
