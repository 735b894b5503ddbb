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

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hoist_evaluation::{
    Bucketing, DefaultServe, Document, FlagDefinition, FlagSet, FlagType, Percentage, Serve, Settings,
    Variant, Variants,
};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::Client;
use crate::exposures::Counts;
use crate::shared::Shared;

/// A set of flags that a test writes.
///
/// Flags are scoped to this value, so tests that run at once do not see each other's. They go through the same
/// evaluation as the server's. A flag that was not set is unknown, as in an environment that does not have it.
#[derive(Debug)]
pub struct TestFlags {
    shared: Arc<Shared>,
    set: Mutex<FlagSet>,
}

impl TestFlags {
    /// No flags at all, at revision 1.
    pub fn new() -> TestFlags {
        let set = FlagSet {
            project: "test".to_owned(),
            environment: "test".to_owned(),
            revision: 0,
            flags: BTreeMap::new(),
            segments: BTreeMap::new(),
        };
        let flags = TestFlags { shared: Arc::new(Shared::new(Duration::MAX)), set: Mutex::new(set) };
        flags.change(|_| {});
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
        let document = serde_json::value::to_raw_value(definition).map(Document::from);
        self.change(|flags| match document {
            Ok(document) => drop(flags.insert(key.to_owned(), document)),
            Err(_) => drop(flags.insert(key.to_owned(), Document::from(RawValue::NULL.to_owned()))),
        });
    }

    /// Takes a flag away: it is unknown from now on.
    pub fn remove(&self, key: &str) {
        self.change(|flags| drop(flags.remove(key)));
    }

    /// A client that reads these flags and follows their changes. It is always live, at a revision that grows with
    /// each change, reports nothing to anyone, and works without a runtime.
    pub fn client(&self) -> Client {
        Client::without_task(Arc::clone(&self.shared))
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Document>)) {
        let mut set = self.lock();
        change(&mut set.flags);
        set.revision += 1;
        let current = self.shared.current();
        let next = current.snapshot.replace(&set);
        let fits = Counts::fits(&current.snapshot, &next);
        self.shared.adopt(next, fits);
        self.shared.health.live(set.revision);
    }

    fn lock(&self) -> MutexGuard<'_, FlagSet> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
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
