//! Flags for an application's tests: no server, no network, no runtime.
//!
//! The application takes a [`Client`] wherever it reads flags; a test hands it the client of a [`TestFlags`].
//!
//! ```
//! use hoist::Client;
//! use hoist::testing::TestFlags;
//!
//! fn greeting(flags: &Client, user: &str) -> &'static str {
//!     if flags.enabled("dashboard_v2", user) { "welcome to the new dashboard" } else { "welcome" }
//! }
//!
//! let flags = TestFlags::new().with("dashboard_v2", true);
//! assert_eq!(greeting(&flags.client(), "user-1"), "welcome to the new dashboard");
//!
//! flags.set("dashboard_v2", false); // seen by every client made from it, at once
//! assert_eq!(greeting(&flags.client(), "user-1"), "welcome");
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hoist_evaluation::{
    Bucketing, DefaultServe, Document, FlagDefinition, FlagSet, FlagType, Patch, Percentage, Serve, Settings,
    Snapshot, Variant, Variants,
};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::Client;
use crate::shared::Shared;

/// A set of flags that a test writes.
///
/// Flags are scoped to this value, so tests that run at once do not see each other's. They go through the same
/// evaluation as the server's. A flag that was not set is unknown, as in an environment that does not have it.
#[derive(Debug)]
pub struct TestFlags {
    shared: Arc<Shared>,
    /// Held by whoever changes them.
    change: Mutex<()>,
}

impl TestFlags {
    /// No flags at all, at revision 1.
    pub fn new() -> TestFlags {
        let test = || "test".to_owned();
        let set = FlagSet { project: test(), environment: test(), revision: 1, ..FlagSet::default() };
        let flags = TestFlags { shared: Arc::new(Shared::new(Duration::MAX)), change: Mutex::default() };
        flags.adopt(Snapshot::compile(&set));
        flags
    }

    /// Adds a flag that serves one value to everyone; see [`TestFlags::set`].
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<Value>) -> TestFlags {
        self.set(key, value);
        self
    }

    /// Adds a flag with rules, rollouts and splits of its own; see [`TestFlags::define`].
    #[must_use]
    pub fn with_definition(self, key: &str, definition: &FlagDefinition) -> TestFlags {
        self.define(key, definition);
        self
    }

    /// Makes a flag serve one value to everyone, from now on and in every client made from this value.
    ///
    /// The value's type is the flag's: a `bool`, a text, a number, or anything else that is a `serde_json::Value` for
    /// an object. A boolean flag has the variants `on` and `off`, any other one the variant `value`.
    pub fn set(&self, key: &str, value: impl Into<Value>) {
        self.define(key, &serving(key, value.into()));
    }

    /// Puts a flag's whole definition, from now on and in every client made from this value. A definition that cannot
    /// be used is a broken flag, as it would be from a server: its readers get their defaults.
    pub fn define(&self, key: &str, definition: &FlagDefinition) {
        let written = serde_json::value::to_raw_value(definition);
        self.change(key, Some(written.unwrap_or_else(|_| RawValue::NULL.to_owned()).into()));
    }

    /// Takes a flag away: it is unknown from now on.
    pub fn remove(&self, key: &str) {
        self.change(key, None);
    }

    /// A client that reads these flags and follows their changes. It is always live, at a revision that grows with
    /// each change, reports nothing to anyone, and works without a runtime.
    pub fn client(&self) -> Client {
        Client::without_task(Arc::clone(&self.shared))
    }

    /// Puts a definition, or none.
    fn change(&self, key: &str, definition: Option<Document>) {
        let _alone = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.shared.current();
        let from = current.snapshot.revision();
        let patch =
            Patch { from, to: from + 1, flags: [(key.to_owned(), definition)].into(), ..Patch::default() };
        // It does not fail: the patch follows on the flags in use.
        if let Ok(next) = current.snapshot.apply(&patch) {
            self.adopt(next);
        }
    }

    fn adopt(&self, next: Snapshot) {
        let revision = next.revision();
        self.shared.adopt(next);
        self.shared.health.live(revision);
    }
}

impl Default for TestFlags {
    fn default() -> TestFlags {
        TestFlags::new()
    }
}

fn serving(key: &str, value: Value) -> FlagDefinition {
    let (flag_type, variants, served) = match value {
        Value::Bool(on) => (FlagType::Boolean, Variants::boolean(), if on { "on" } else { "off" }),
        Value::String(_) => (FlagType::String, one(value), VALUE),
        Value::Number(_) => (FlagType::Number, one(value), VALUE),
        Value::Object(_) | Value::Array(_) | Value::Null => (FlagType::Object, one(value), VALUE),
    };
    let default =
        DefaultServe { rollout: Percentage::FULL, bucket_by: None, serve: Serve::Fixed(served.to_owned()) };
    let settings = Settings {
        enabled: true,
        prerequisites: Vec::new(),
        rules: Vec::new(),
        default,
        off_variant: served.to_owned(),
    };
    FlagDefinition {
        flag_type,
        variants,
        salt: key.to_owned(),
        bucketing: Bucketing::HoistV1,
        version: 1,
        settings,
    }
}

/// The variant of a flag that is not boolean.
const VALUE: &str = "value";

fn one(value: Value) -> Variants {
    Variants::from(vec![Variant { key: VALUE.to_owned(), value }])
}
