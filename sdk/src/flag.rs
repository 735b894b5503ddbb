//! Flags that are looked up once and read often.
//!
//! A typed flag remembers the slot at which its key was found, and looks the key up again when no flag is there.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hoist_evaluation::EvaluationContext;

use crate::client::Client;
use crate::reader::{Asked, Reader};

/// What the typed flags have in common.
#[derive(Clone)]
struct Pinned {
    client: Client,
    pin: Arc<Pin>,
}

struct Pin {
    key: Box<str>,
    /// Where the flag was found last.
    slot: AtomicU32,
}

impl Pinned {
    fn new(client: &Client, key: &str) -> Pinned {
        let pin = Pin { key: key.into(), slot: AtomicU32::new(u32::MAX) };
        Pinned { client: client.clone(), pin: Arc::new(pin) }
    }

    #[inline]
    fn read<T>(&self, read: impl for<'g> Fn(Reader<'g>, Asked<'_, 'g>) -> T) -> T {
        let Pin { key, slot } = &*self.pin;
        self.client.shared().read(|reader| {
            let before = slot.load(Ordering::Relaxed);
            let (found, asked) = reader.find_at(before, key);
            if found != before {
                slot.store(found, Ordering::Relaxed);
            }
            read(reader, asked)
        })
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Flag").field("key", &self.pin.key).finish_non_exhaustive()
    }
}

/// A boolean flag that is looked up once, for code that reads it often; made by [`Client::boolean_flag`].
///
/// It reads what [`Client::enabled`] would read, without the look-up: it follows every new revision, and a flag that
/// appears, is archived or becomes another type. It keeps its client connected; clones are cheap.
///
/// ```
/// let flags = hoist::testing::TestFlags::new().with("dashboard_v2", true).client();
///
/// let dashboard = flags.boolean_flag("dashboard_v2");
/// assert!(dashboard.enabled("user-1"));
/// ```
#[derive(Clone, Debug)]
pub struct BooleanFlag(Pinned);

impl BooleanFlag {
    pub(crate) fn new(client: &Client, key: &str) -> BooleanFlag {
        BooleanFlag(Pinned::new(client, key))
    }

    /// Whether the flag is on for a context; false when it is unknown, broken or of another type.
    #[inline]
    pub fn enabled<C: EvaluationContext + ?Sized>(&self, context: &C) -> bool {
        self.value(context, false)
    }

    /// The flag's value; the default when it is unknown, broken or of another type.
    #[inline]
    pub fn value<C: EvaluationContext + ?Sized>(&self, context: &C, default: bool) -> bool {
        self.0.read(|reader, asked| reader.boolean(asked, context, default))
    }

    /// The flag's key.
    pub fn key(&self) -> &str {
        &self.0.pin.key
    }
}

/// A string flag that is looked up once; made by [`Client::string_flag`]. See [`BooleanFlag`].
#[derive(Clone, Debug)]
pub struct StringFlag(Pinned);

impl StringFlag {
    pub(crate) fn new(client: &Client, key: &str) -> StringFlag {
        StringFlag(Pinned::new(client, key))
    }

    /// The flag's value, copied; the default, borrowed, when it is unknown, broken or of another type.
    pub fn value<'d, C: EvaluationContext + ?Sized>(&self, context: &C, default: &'d str) -> Cow<'d, str> {
        self.0.read(|reader, asked| reader.text(asked, context, default))
    }

    /// The flag's key.
    pub fn key(&self) -> &str {
        &self.0.pin.key
    }
}

/// A number flag that is looked up once; made by [`Client::number_flag`]. See [`BooleanFlag`].
#[derive(Clone, Debug)]
pub struct NumberFlag(Pinned);

impl NumberFlag {
    pub(crate) fn new(client: &Client, key: &str) -> NumberFlag {
        NumberFlag(Pinned::new(client, key))
    }

    /// The flag's value; the default when it is unknown, broken or of another type.
    #[inline]
    pub fn value<C: EvaluationContext + ?Sized>(&self, context: &C, default: f64) -> f64 {
        self.0.read(|reader, asked| reader.number(asked, context, default))
    }

    /// The flag's key.
    pub fn key(&self) -> &str {
        &self.0.pin.key
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hoist_evaluation::{FlagSet, Snapshot};
    use serde_json::json;

    use super::*;
    use crate::shared::Shared;

    fn put(client: &Client, revision: u64, flags: &serde_json::Value) {
        let set = json!({ "project": "p", "environment": "e", "revision": revision, "flags": flags, "segments": {} });
        let set: FlagSet = serde_json::from_str(&set.to_string()).unwrap();
        let next: Snapshot = client.shared().current().snapshot.replace(&set);
        client.shared().adopt(next);
    }

    fn boolean(serve: &str) -> serde_json::Value {
        json!({ "type": "boolean", "variants": { "on": true, "off": false }, "salt": "f", "bucketing": "hoist-v1",
            "version": 1, "settings": { "enabled": true, "default": { "serve": serve }, "off_variant": "off" } })
    }

    fn client() -> Client {
        Client::without_task(Arc::new(Shared::new(Duration::from_secs(45))))
    }

    #[test]
    fn a_typed_flag_follows_whatever_becomes_of_its_key() {
        let (client, number) = (
            client(),
            json!({ "type": "number", "variants": { "a": 3 }, "salt": "f",
            "bucketing": "hoist-v1", "version": 1,
            "settings": { "enabled": true, "default": { "serve": "a" }, "off_variant": "a" } }),
        );
        let (flag, limit) = (client.boolean_flag("f"), client.number_flag("f"));
        let check = |revision: u64, flags: serde_json::Value, on: bool, value: f64| {
            put(&client, revision, &flags);
            assert_eq!((flag.enabled("u"), limit.value("u", 7.0)), (on, value), "{flags}");
            assert_eq!(flag.enabled("u"), client.enabled("f", "u"));
        };
        check(1, json!({}), false, 7.0);
        check(2, json!({ "f": boolean("on") }), true, 7.0);
        check(3, json!({ "f": boolean("off") }), false, 7.0);
        check(4, json!({ "f": number }), false, 3.0);
        check(5, json!({ "g": boolean("on") }), false, 7.0);
        check(6, json!({ "f": boolean("on") }), true, 7.0);
    }

    #[test]
    fn a_typed_flag_counts_like_any_other_read() {
        let client = client();
        let flag = client.boolean_flag("f");
        put(&client, 1, &json!({ "f": boolean("on") }));
        (0..3).for_each(|_| assert!(flag.enabled("u")));
        assert!(client.enabled("f", "u"));
        assert_eq!(client.shared().exposures.waiting(&client.shared().current()), 4);
    }
}
