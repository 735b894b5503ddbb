//! What an evaluation answers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::flag::Flag;
use crate::value::FlagType;

/// What a flag answers for a context, and why. It borrows from the snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation<'s> {
    /// The flag, none when there is no such flag.
    pub flag: Option<&'s Flag>,
    /// The number of the variant that is served, none when the caller's default is to be used.
    pub variant_index: Option<u16>,
    /// Why.
    pub reason: Reason,
    /// The number of the rule that served; none when it was the default, the off variant or nothing.
    pub rule: Option<u16>,
    /// The bucket that decided: the rollout's when that is below 100 %, else the split's, else none.
    pub bucket: Option<u32>,
    /// What the bucket was compared with: the rollout's threshold, or the end of the split's range.
    pub threshold: Option<u32>,
    /// Whether the default needed a unit and there was none, so that the off variant is served.
    pub unit_missing: bool,
}

impl<'s> Evaluation<'s> {
    #[inline]
    pub(super) fn served(flag: &'s Flag, variant: u16, reason: Reason) -> Evaluation<'s> {
        Evaluation {
            flag: Some(flag),
            variant_index: Some(variant),
            reason,
            rule: None,
            bucket: None,
            threshold: None,
            unit_missing: false,
        }
    }

    #[inline]
    pub(super) fn off(flag: &'s Flag, variant: u16, reason: Reason) -> Evaluation<'s> {
        Evaluation::served(flag, variant, reason)
    }

    #[inline]
    pub(super) fn unknown() -> Evaluation<'s> {
        Evaluation::error(None, ErrorCode::FlagNotFound)
    }

    #[cold]
    pub(super) fn broken(flag: &'s Flag) -> Evaluation<'s> {
        Evaluation::error(Some(flag), ErrorCode::ParseError)
    }

    /// An answer without a value, for a reason that callers find for themselves.
    pub fn error(flag: Option<&'s Flag>, code: ErrorCode) -> Evaluation<'s> {
        Evaluation {
            flag,
            variant_index: None,
            reason: Reason::Error(code),
            rule: None,
            bucket: None,
            threshold: None,
            unit_missing: false,
        }
    }

    #[inline]
    pub(super) fn by_rule(mut self, index: u16) -> Evaluation<'s> {
        self.rule = Some(index);
        self
    }

    #[inline]
    pub(super) fn decided(mut self, decided: Option<(u32, u32)>) -> Evaluation<'s> {
        self.bucket = decided.map(|(bucket, _)| bucket);
        self.threshold = decided.map(|(_, threshold)| threshold);
        self
    }

    #[inline]
    pub(super) fn without_unit(mut self) -> Evaluation<'s> {
        self.unit_missing = true;
        self
    }

    /// The variant's key, none when the caller's default is to be used.
    pub fn variant(&self) -> Option<&'s str> {
        Some(&self.flag?.variants().at(self.variant_index?.into())?.key)
    }

    /// The value, none when the caller's default is to be used.
    #[inline]
    pub fn value(&self) -> Option<&'s Value> {
        Some(&self.flag?.variants().at(self.variant_index?.into())?.value)
    }

    /// The value of a boolean flag, none when there is no value or the flag is of another type.
    #[inline]
    pub fn boolean(&self) -> Option<bool> {
        let (flag, variant) = (self.flag?, self.variant_index?);
        (flag.flag_type()? == FlagType::Boolean).then(|| flag.is_true(variant))
    }

    /// The value of a string flag, none when there is no value or the flag is of another type.
    pub fn string(&self) -> Option<&'s str> {
        self.value()?.as_str()
    }

    /// The value of a number flag, none when there is no value or the flag is of another type.
    pub fn number(&self) -> Option<f64> {
        self.value()?.as_f64()
    }

    /// The value of an object flag, none when there is no value or the flag is of another type.
    pub fn object(&self) -> Option<&'s serde_json::Map<String, Value>> {
        self.value()?.as_object()
    }
}

/// Why an evaluation answers as it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There are no rules, and everyone gets the default.
    Static,
    /// A rule applied that serves one variant to everyone it is for.
    TargetingMatch,
    /// A rollout below 100 % or a split decided.
    Split,
    /// No rule applied, and what is served then is one variant for everyone.
    Default,
    /// The flag is off.
    Disabled,
    /// A prerequisite does not serve what it must.
    PrerequisiteFailed,
    /// There is no answer; the caller's default is to be used.
    Error(ErrorCode),
}

impl Reason {
    /// The reason's name as on the wire; `ERROR` for every error.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Static => "STATIC",
            Reason::TargetingMatch => "TARGETING_MATCH",
            Reason::Split => "SPLIT",
            Reason::Default => "DEFAULT",
            Reason::Disabled => "DISABLED",
            Reason::PrerequisiteFailed => "PREREQUISITE_FAILED",
            Reason::Error(_) => "ERROR",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Reason {
    /// Reads a reason. `ERROR` does not say which error, so it is read as a general one.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reason, D::Error> {
        let name = String::deserialize(deserializer)?;
        let reasons = [
            Reason::Static,
            Reason::TargetingMatch,
            Reason::Split,
            Reason::Default,
            Reason::Disabled,
            Reason::PrerequisiteFailed,
            Reason::Error(ErrorCode::General),
        ];
        let found = reasons.into_iter().find(|reason| reason.as_str() == name);
        found.ok_or_else(|| de::Error::custom(format_args!("there is no reason `{name}`")))
    }
}

/// Why there is no answer, in the words of `OpenFeature`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// Nothing is known yet.
    ProviderNotReady,
    /// Nothing will ever be known.
    ProviderFatal,
    /// There is no flag of that key.
    FlagNotFound,
    /// The flag's definition has problems.
    ParseError,
    /// The flag is of another type than was asked for.
    TypeMismatch,
    /// The evaluation needs a targeting key.
    TargetingKeyMissing,
    /// The context makes no sense.
    InvalidContext,
    /// Something else.
    General,
}

impl ErrorCode {
    /// The code's name as on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorCode::ProviderNotReady => "PROVIDER_NOT_READY",
            ErrorCode::ProviderFatal => "PROVIDER_FATAL",
            ErrorCode::FlagNotFound => "FLAG_NOT_FOUND",
            ErrorCode::ParseError => "PARSE_ERROR",
            ErrorCode::TypeMismatch => "TYPE_MISMATCH",
            ErrorCode::TargetingKeyMissing => "TARGETING_KEY_MISSING",
            ErrorCode::InvalidContext => "INVALID_CONTEXT",
            ErrorCode::General => "GENERAL",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
