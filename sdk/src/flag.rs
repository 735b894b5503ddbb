//! Flags that are looked up once and read often.
//!
//! A typed flag points at its definition in the flags in use. Whoever swaps those flags moves the pointer along, so
//! that reading costs neither a look-up nor a comparison, and no old flags are kept alive by a flag that nobody reads.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::ArcSwap;
use hoist_evaluation::{ErrorCode, Evaluation, EvaluationContext, Flag, evaluate_flag};

use crate::client::Client;
use crate::exposures::Fallback;
use crate::shared::{Generation, Shared};

/// Where a key leads at this moment.
#[derive(Debug)]
struct Resolved {
    generation: Arc<Generation>,
    /// None while there is no flag of that key.
    flag: Option<Arc<Flag>>,
}

impl Resolved {
    fn new(generation: &Arc<Generation>, key: &str) -> Arc<Resolved> {
        let flag = generation.snapshot.shared_flag(key).cloned();
        Arc::new(Resolved { generation: Arc::clone(generation), flag })
    }
}

#[derive(Debug)]
struct Pin {
    key: Box<str>,
    resolved: ArcSwap<Resolved>,
}

/// All typed flags of a client.
#[derive(Debug, Default)]
pub(crate) struct Pins(Mutex<Vec<Weak<Pin>>>);

impl Pins {
    /// Makes a pin, which is moved from now on. `current` is asked under the lock, so that a swap comes either before
    /// it is asked or finds the pin in the list.
    fn add(&self, key: &str, current: impl FnOnce() -> Arc<Generation>) -> Arc<Pin> {
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let resolved = ArcSwap::new(Resolved::new(&current(), key));
        let pin = Arc::new(Pin { key: key.into(), resolved });
        pins.retain(|pin| pin.strong_count() > 0);
        pins.push(Arc::downgrade(&pin));
        pin
    }

    /// Moves all pins on; called after the new flags were put to use.
    pub(crate) fn follow(&self, generation: &Arc<Generation>) {
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pins.retain(|pin| {
            let Some(pin) = pin.upgrade() else { return false };
            pin.resolved.store(Resolved::new(generation, &pin.key));
            true
        });
    }
}

/// What the typed flags have in common.
#[derive(Clone)]
struct Pinned {
    client: Client,
    pin: Arc<Pin>,
}

impl Pinned {
    fn new(client: &Client, key: &str) -> Pinned {
        let shared = client.shared();
        let pin = shared.pins.add(key, || Arc::clone(&shared.current()));
        Pinned { client: client.clone(), pin }
    }

    /// Evaluates and counts, as [`View`](crate::View) does.
    #[inline]
    fn read<T, C: EvaluationContext + ?Sized>(
        &self,
        context: &C,
        fallback: Fallback<'_>,
        value: impl FnOnce(&Evaluation<'_>) -> Option<T>,
    ) -> Option<T> {
        let shared: &Shared = self.client.shared();
        let resolved = self.pin.resolved.load();
        let generation = &resolved.generation;
        let evaluation = match &resolved.flag {
            Some(flag) => evaluate_flag(&generation.snapshot, flag, context),
            None => Evaluation::error(None, ErrorCode::FlagNotFound),
        };
        let value = value(&evaluation);
        shared.exposures.count(generation, &self.pin.key, (&evaluation, value.is_some()), fallback);
        value
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
        let boolean = |evaluation: &Evaluation<'_>| evaluation.boolean();
        self.0.read(context, Fallback::Boolean(default), boolean).unwrap_or(default)
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
        let copy = |evaluation: &Evaluation<'_>| evaluation.string().map(str::to_owned);
        let value = self.0.read(context, Fallback::Text(default), copy);
        value.map_or(Cow::Borrowed(default), Cow::Owned)
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
        let number = |evaluation: &Evaluation<'_>| evaluation.number();
        self.0.read(context, Fallback::Number(default), number).unwrap_or(default)
    }

    /// The flag's key.
    pub fn key(&self) -> &str {
        &self.0.pin.key
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hoist_evaluation::{FlagSet, Patch, Snapshot};
    use serde_json::json;

    use super::*;

    fn set(revision: u64, flags: &serde_json::Value) -> Snapshot {
        let set = json!({ "project": "p", "environment": "e", "revision": revision, "flags": flags, "segments": {} });
        Snapshot::compile(&serde_json::from_str::<FlagSet>(&set.to_string()).unwrap())
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
            client.shared().adopt(set(revision, &flags), false);
            assert_eq!((flag.enabled("u"), limit.value("u", 7.0)), (on, value), "{flags}");
            assert_eq!(flag.enabled("u"), client.enabled("f", "u"));
        };
        check(1, json!({}), false, 7.0);
        check(2, json!({ "f": boolean("on") }), true, 7.0);
        check(3, json!({ "f": boolean("off") }), false, 7.0);
        check(4, json!({ "f": number }), false, 3.0);
        check(5, json!({}), false, 7.0);
        check(6, json!({ "f": boolean("on") }), true, 7.0);
    }

    #[test]
    fn a_typed_flag_counts_like_any_other_read() {
        let client = client();
        let flag = client.boolean_flag("f");
        client.shared().adopt(set(1, &json!({ "f": boolean("on") })), false);
        (0..3).for_each(|_| assert!(flag.enabled("u")));
        assert!(client.enabled("f", "u"));
        assert_eq!(client.shared().exposures.waiting(&client.shared().current()), 4);
    }

    #[test]
    fn no_old_flags_are_kept_for_a_typed_flag_that_nobody_reads() {
        let client = client();
        let flag = client.boolean_flag("f");
        client.shared().adopt(set(1, &json!({ "f": boolean("on") })), false);
        let old = Arc::downgrade(&client.shared().current());
        let patch = Patch { from: 1, to: 2, flags: [("f".to_owned(), None)].into(), segments: [].into() };
        let next = client.shared().current().snapshot.apply(&patch).unwrap();
        client.shared().adopt(next, true);
        assert!(old.upgrade().is_none());
        assert!(!flag.enabled("u"));
    }

    #[test]
    fn dropped_flags_are_forgotten() {
        let client = client();
        (0..100).for_each(|_| drop(client.boolean_flag("f")));
        let _kept = client.boolean_flag("f");
        assert!(client.shared().pins.0.lock().unwrap().len() <= 2);
    }

    #[test]
    fn a_swap_while_flags_are_made_and_read_is_never_missed() {
        let client = client();
        std::thread::scope(|scope| {
            let makers: Vec<_> = (0..2)
                .map(|_| scope.spawn(|| (0..200).map(|_| client.boolean_flag("f")).collect::<Vec<_>>()))
                .collect();
            for revision in 1..=200 {
                let serve = if revision == 200 { "on" } else { "off" };
                client.shared().adopt(set(revision, &json!({ "f": boolean(serve) })), true);
            }
            for flag in makers.into_iter().flat_map(|maker| maker.join().unwrap()) {
                assert!(flag.enabled("u"), "a flag stayed behind");
            }
        });
    }
}
