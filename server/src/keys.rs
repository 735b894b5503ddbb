//! The names of things: validated once, when they enter, and typed ever after.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

/// What every key must look like; some OpenFeature clients send keys into paths without encoding them.
pub const KEY_RULE: &str = "a key starts with a letter or digit and has at most 128 of A-Z a-z 0-9 . _ ~ -";

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
        #[schema(value_type = String, pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")]
        pub struct $name(String);

        impl $name {
            /// Reads a key; `None` when it breaks [`KEY_RULE`].
            pub fn parse(text: &str) -> Option<Self> {
                hoist_evaluation::is_key(text).then(|| Self(text.to_owned()))
            }

            /// Takes a key from the store, where only valid ones are.
            pub(crate) fn stored(text: String) -> Self {
                Self(text)
            }
        }

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| de::Error::custom(KEY_RULE))
            }
        }
    };
}

key!(
    /// A project's key.
    ProjectKey
);
key!(
    /// An environment's key, unique in its project.
    EnvironmentKey
);
key!(
    /// A flag's key, unique in its project for ever.
    FlagKey
);
key!(
    /// A segment's key, unique in its project.
    SegmentKey
);
