//! What one flag is and what one environment says about it, as written and as compiled.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::flag_set::Document;
use crate::limits;
use crate::plan::Plan;
use crate::problem::{Findings, Place, Problem};
use crate::rule::{DefaultServe, Rule};
use crate::segment::parse;
use crate::table::Keyed;
use crate::value::{FlagType, Variants};

/// A flag as sent to SDKs: what all environments share, and the settings of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlagDefinition {
    /// The type of the flag's values.
    #[serde(rename = "type")]
    pub flag_type: FlagType,
    /// What the flag can answer.
    pub variants: Variants,
    /// What the flag's buckets are drawn with: its key at creation, and never changed.
    pub salt: String,
    /// How buckets are drawn.
    pub bucketing: Bucketing,
    /// The version of the settings.
    pub version: u64,
    /// What the environment says about the flag.
    pub settings: Settings,
}

/// How a flag's buckets are drawn; data, so that imported flags can keep another algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Bucketing {
    /// Hoist's own, see [`bucket`](crate::bucket).
    #[default]
    #[serde(rename = "hoist-v1")]
    HoistV1,
}

/// What one environment says about one flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settings {
    /// Whether the flag is on at all; when it is not, everyone gets the off variant.
    pub enabled: bool,
    /// Flags that must serve certain variants to the same context.
    #[serde(default)]
    pub prerequisites: Vec<Prerequisite>,
    /// Rules in order; the first that applies serves.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// What is served when no rule applies.
    pub default: DefaultServe,
    /// What is served when the flag is off, when a prerequisite fails, and outside the default's rollout.
    pub off_variant: String,
}

/// Another flag that must serve one of certain variants to the same context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Prerequisite {
    /// The other flag's key.
    pub flag: String,
    /// The variants any of which it must serve.
    pub variants: Vec<String>,
}

/// A flag compiled, or the problems that keep it from being so.
///
/// Snapshots share flags that did not change. A flag with problems is kept as these: evaluating it gives the error
/// `PARSE_ERROR`, and the flags around it are none the worse.
// Two cache lines, in this order: among many flags, each line that an evaluation reads is one to wait for.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Flag {
    near: NearKey,
    /// Bit `n` is set when the flag is boolean and the value of variant `n` is true.
    truths: u128,
    slot: u32,
    type_of_values: Option<FlagType>,
    rest: Box<Rest>,
    plan: Option<Plan>,
}

const _: () = assert!(size_of::<Flag>() == 128, "a flag takes two cache lines");

/// What evaluations hardly ever read.
#[derive(Debug)]
struct Rest {
    key: Box<str>,
    definition: Option<FlagDefinition>,
    problems: Box<[Problem]>,
    document: Document,
}

static NO_VARIANTS: Variants = Variants::none();

impl Flag {
    pub(crate) fn compile(key: &str, document: &Document) -> Flag {
        let mut findings = Findings::default();
        check_key(key, &mut findings);
        let definition: Option<FlagDefinition> = parse(document.get(), &mut findings);
        let plan = definition.as_ref().map(|definition| Plan::compile(definition, &mut findings));
        Flag {
            near: NearKey::new(key),
            truths: definition.as_ref().map_or(0, |definition| definition.variants.truths()),
            slot: 0,
            type_of_values: definition.as_ref().map(|definition| definition.flag_type),
            plan: plan.filter(|_| findings.is_empty()),
            rest: Box::new(Rest {
                key: key.into(),
                definition,
                problems: findings.into_problems(),
                document: Arc::clone(document),
            }),
        }
    }

    /// The flag's key.
    #[inline]
    pub fn key(&self) -> &str {
        &self.rest.key
    }

    /// A small number that means one key with one list of variants, so that callers can hang tables on it.
    ///
    /// A snapshot compiled from nothing numbers its flags from 0 in the order of their keys. In later snapshots a flag
    /// keeps its number for as long as its variants keep their keys and order; then, and for new flags, the next number
    /// is taken. No number is given out again.
    #[inline]
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// The type of the flag's values, none when its text could not be read.
    #[inline]
    pub fn flag_type(&self) -> Option<FlagType> {
        self.type_of_values
    }

    /// The flag's variants in order, none at all when its text could not be read.
    #[inline]
    pub fn variants(&self) -> &Variants {
        self.rest.definition.as_ref().map_or(&NO_VARIANTS, |definition| &definition.variants)
    }

    /// The version of the settings, 0 when the flag's text could not be read.
    pub fn version(&self) -> u64 {
        self.rest.definition.as_ref().map_or(0, |definition| definition.version)
    }

    /// What is wrong with the flag; when anything is, it evaluates to the error `PARSE_ERROR`.
    pub fn problems(&self) -> &[Problem] {
        &self.rest.problems
    }

    /// What the flag was compiled from, none when its text could not be read.
    pub fn definition(&self) -> Option<&FlagDefinition> {
        self.rest.definition.as_ref()
    }

    /// The text the flag was compiled from.
    pub fn document(&self) -> &Document {
        &self.rest.document
    }

    /// The flag under a number: that of the flag it takes the place of, when both have the same variants.
    pub(crate) fn numbered(mut self, before: Option<&Flag>, next: &mut u32) -> Flag {
        self.slot = match before {
            Some(before) if self.variants().keys().eq(before.variants().keys()) => before.slot,
            _ => std::mem::replace(next, next.saturating_add(1)),
        };
        self
    }

    #[inline]
    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    #[inline]
    pub(crate) fn is_true(&self, variant: u16) -> bool {
        self.truths.checked_shr(variant.into()).unwrap_or(0) & 1 == 1
    }
}

impl Keyed for Flag {
    #[inline]
    fn key(&self) -> &str {
        &self.rest.key
    }

    #[inline]
    fn is(&self, key: &str) -> bool {
        self.near.is(key).unwrap_or_else(|| *self.rest.key == *key)
    }
}

/// A copy of a key that is not too long, kept where a look-up reads anyway: following a pointer to it costs more than
/// all the rest when there are many flags.
#[derive(Debug)]
struct NearKey {
    length: u8,
    bytes: [u8; NearKey::LONGEST],
}

impl NearKey {
    const LONGEST: usize = 31;

    fn new(key: &str) -> NearKey {
        let mut bytes = [0; NearKey::LONGEST];
        let fits = bytes.get_mut(..key.len()).map(|place| place.copy_from_slice(key.as_bytes())).is_some();
        NearKey { length: if fits { u8::try_from(key.len()).unwrap_or(u8::MAX) } else { u8::MAX }, bytes }
    }

    /// Whether this is the key, none when the key was too long to be copied.
    #[inline]
    fn is(&self, key: &str) -> Option<bool> {
        self.bytes.get(..usize::from(self.length)).map(|bytes| bytes == key.as_bytes())
    }
}

/// Whether a text can be the key of a flag, a segment, a project or an environment: a letter or digit, then at most 127
/// letters, digits, `.`, `_`, `~` or `-`. Such keys need no encoding in a URL.
pub fn is_key(text: &str) -> bool {
    text.len() <= limits::KEY_LENGTH
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte))
}

pub(crate) fn check_key(key: &str, findings: &mut Findings) {
    if !is_key(key) {
        findings.report(
            &Place::Root,
            "the key is not a letter or digit followed by at most 127 of A-Z a-z 0-9 . _ ~ -",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{NearKey, is_key};

    fn check(text: &str, expected: bool) {
        assert_eq!(is_key(text), expected, "{text}");
    }

    #[test]
    fn keys_need_no_encoding() {
        check("a", true);
        check("0", true);
        check("Dashboard_v2.beta~x-1", true);
        check(&"k".repeat(128), true);
        check(&"k".repeat(129), false);
        check("", false);
        check("-a", false);
        check("_a", false);
        check("a b", false);
        check("a/b", false);
        check("a%20", false);
        check("smörgås", false);
        check("a\n", false);
    }

    #[test]
    fn a_key_is_found_near_unless_it_is_long() {
        for length in [0, 1, 30, 31] {
            let key = "k".repeat(length);
            assert_eq!(NearKey::new(&key).is(&key), Some(true));
            assert_eq!(NearKey::new(&key).is("kk"), Some(false));
        }
        for length in [32, 128, 255, 256, 300] {
            assert_eq!(NearKey::new(&"k".repeat(length)).is("k"), None);
        }
    }
}
