//! A receipt: "I run revision N, and have for so long".
//!
//! As in a report of exposures, fields of newer SDKs are passed over, and what cannot be is refused by its place.

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;
use uuid::Uuid;

use super::MAX_RECEIPT;
use super::introduction::About;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::exposures::{Name, read_report};

/// What an instance sends after it has applied a revision.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = RevisionReceipt)]
pub struct Receipt {
    /// The running copy of the application, named by itself at its start: a UUID.
    #[schema(value_type = String, example = "0f2f2f8e-3f0a-4f57-9f5a-6a1d1f3b9f10")]
    pub instance: InstanceId,
    /// Its name for people, usually the host's.
    #[schema(value_type = Option<String>)]
    pub name: Option<Name>,
    /// The application.
    #[schema(value_type = Option<String>)]
    pub app: Option<Name>,
    /// Its version.
    #[schema(value_type = Option<String>)]
    pub app_version: Option<Name>,
    /// The SDK and its version.
    #[schema(value_type = Option<String>)]
    pub sdk: Option<Name>,
    /// The revision that it runs.
    pub revision: u64,
    /// Since when, by the instance's clock. The server reckons by its own clock and `delay_ms`.
    pub since: Option<Timestamp>,
    /// How many milliseconds passed between applying the revision and sending this.
    #[serde(default)]
    pub delay_ms: u64,
}

impl Receipt {
    /// What the instance says about itself.
    pub(super) fn about(&self) -> About {
        let text = |name: &Option<Name>| name.as_deref().map(str::to_owned);
        About {
            name: text(&self.name),
            app: text(&self.app),
            app_version: text(&self.app_version),
            sdk: text(&self.sdk),
        }
    }
}

/// An instance's identifier, a UUID in any of its usual forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct InstanceId(pub Uuid);

impl From<InstanceId> for String {
    fn from(id: InstanceId) -> Self {
        id.0.to_string()
    }
}

impl<'de> Deserialize<'de> for InstanceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Uuid::try_parse(&text).map(Self).map_err(|_| de::Error::custom("must be a UUID"))
    }
}

/// Reads a receipt.
pub(super) fn parse(text: &[u8]) -> Result<Receipt> {
    read_report(text, MAX_RECEIPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    /// Where a receipt is refused; empty when it is read.
    fn check(text: &str) -> String {
        match parse(text.as_bytes()) {
            Ok(_) => String::new(),
            Err(Error::Malformed(..)) => "malformed".to_owned(),
            Err(Error::TooLarge(_)) => "too large".to_owned(),
            Err(Error::Invalid(faults)) => faults[0].pointer.clone(),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn receipt(rest: &str) -> String {
        format!(r#"{{"instance":"0f2f2f8e-3f0a-4f57-9f5a-6a1d1f3b9f10","revision":42{rest}}}"#)
    }

    #[test]
    fn a_full_receipt_and_a_bare_one_are_read_and_what_is_newer_is_passed_over() {
        assert_eq!(check(&receipt("")), "");
        let full = r#","name":"worker-7","app":"shop","app_version":null,"sdk":"hoist-rust/0.1.0","since":"2026-11-23T14:03:00Z","delay_ms":37,"more":{}"#;
        assert_eq!(check(&receipt(full)), "");
    }

    #[test]
    fn every_refusal_names_its_place() {
        assert_eq!(check(&receipt(",")), "malformed");
        let list = r#"["0f2f2f8e-3f0a-4f57-9f5a-6a1d1f3b9f10",null,null,null,null,42,null,0]"#;
        assert!(matches!(parse(list.as_bytes()), Err(Error::Invalid(_))), "a list is no receipt");
        assert_eq!(check(&receipt(&format!(r#","more":"{}""#, "x".repeat(MAX_RECEIPT)))), "too large");
        assert_eq!(check(r#"{"instance":"worker-7","revision":42}"#), "/instance");
        assert_eq!(check(&receipt(r#","name":"a\u0000""#)), "/name");
        assert_eq!(check(&receipt(&format!(r#","app":"{}""#, "x".repeat(129)))), "/app");
        assert_eq!(check(&receipt(r#","sdk":"""#)), "/sdk");
        assert_eq!(check(&receipt(r#","delay_ms":-1"#)), "/delay_ms");
        assert_eq!(check(&receipt(r#","since":"yesterday""#)), "/since");
    }
}
