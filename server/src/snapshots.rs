//! The newest compiled flag set of every environment, in memory, with the bytes that SDKs are sent.
//!
//! A [`State`] is immutable and replaced whole; a reader holds the one it loaded for as long as it likes. Each is
//! encoded at most once, whoever asks first, and its bytes are shared by all connections.

mod recalled;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use hoist_evaluation::{FlagSet, Gap, Patch, Snapshot};
use tokio::sync::watch;

use crate::clock::Timestamp;
use crate::instances::Roster;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::size::{Size, Unfit};

/// How many revisions back a client may resume with a patch; one further behind gets the whole flag set.
pub const RESUMABLE_REVISIONS: usize = 1_024;

/// How many bytes of patches a state keeps for those who are at the same revision; who comes then with a revision that
/// nobody came with before is sent the whole flag set, which is encoded once for all.
const PATCH_BYTES: usize = 16 << 20;

/// What one revision touched, keys of flags and of segments, and when it was made.
#[derive(Debug)]
struct Touched {
    flags: Vec<String>,
    segments: Vec<String>,
    at: Timestamp,
}

impl Touched {
    fn by(patch: &Patch, at: Timestamp) -> Arc<Self> {
        let (flags, segments) =
            (patch.flags.keys().cloned().collect(), patch.segments.keys().cloned().collect());
        Arc::new(Self { flags, segments, at })
    }
}

/// An environment's flag set at one revision.
#[derive(Debug)]
pub struct State {
    /// The compiled flag set.
    pub snapshot: Snapshot,
    /// How large the flag set is.
    pub(crate) size: Size,
    recent: VecDeque<Arc<Touched>>,
    put: OnceLock<Put>,
    patches: Mutex<Patches>,
    newest_patch: OnceLock<Bytes>,
    keys: OnceLock<Box<[Box<str>]>>,
}

/// The patches that were encoded, by the revision that they start from.
#[derive(Debug, Default)]
struct Patches {
    frames: BTreeMap<u64, Bytes>,
    bytes: usize,
}

/// The `put` frame, and where in it the flag set begins.
#[derive(Debug)]
struct Put {
    frame: Bytes,
    body: usize,
}

impl State {
    /// Compiles a flag set read from the store.
    pub fn compile(set: &FlagSet) -> Self {
        Self::of(Snapshot::compile(set))
    }

    /// The state of an environment that was just made.
    pub fn empty(project: &ProjectKey, environment: &EnvironmentKey) -> Self {
        Self::compile(&FlagSet {
            project: project.to_string(),
            environment: environment.to_string(),
            revision: 0,
            flags: BTreeMap::new(),
            segments: BTreeMap::new(),
        })
    }

    fn new(snapshot: Snapshot, size: Size, recent: VecDeque<Arc<Touched>>) -> Self {
        let (put, newest_patch, patches) = (OnceLock::new(), OnceLock::new(), Mutex::default());
        Self { snapshot, size, recent, put, patches, newest_patch, keys: OnceLock::new() }
    }

    /// The revision of this state.
    pub fn revision(&self) -> u64 {
        self.snapshot.revision()
    }

    /// The keys of all flags, in order.
    pub fn keys(&self) -> &[Box<str>] {
        self.keys.get_or_init(|| {
            let mut keys: Box<[Box<str>]> = self.snapshot.flags().map(|flag| flag.key().into()).collect();
            keys.sort();
            keys
        })
    }

    /// When a revision was made; nothing when that is too long ago to be remembered.
    pub fn made(&self, revision: u64) -> Option<Timestamp> {
        let back = usize::try_from(self.revision().checked_sub(revision)?).ok()?;
        self.recent.iter().rev().nth(back).map(|touched| touched.at)
    }

    /// Makes the state that follows by `patch`, which was made at `at`; costs what the patch touches.
    pub fn apply(&self, patch: &Patch, at: Timestamp) -> Result<Self, Gap> {
        let snapshot = self.snapshot.apply(patch)?;
        let touched = Touched::by(patch, at);
        let size = self.size.after(&self.snapshot, &snapshot, &touched.flags, &touched.segments);
        let mut recent = self.recent.clone();
        recent.push_back(touched);
        if recent.len() > RESUMABLE_REVISIONS {
            recent.pop_front();
        }
        Ok(Self::new(snapshot, size, recent))
    }

    /// The state of a snapshot that was compiled elsewhere.
    pub(crate) fn of(snapshot: Snapshot) -> Self {
        let size = Size::of(&snapshot);
        Self::new(snapshot, size, VecDeque::new())
    }

    /// The state of a later snapshot that was made from this one's and came at `at`. Whoever is at a revision between the
    /// two is sent all that differs between them.
    pub(crate) fn follow(&self, snapshot: Snapshot, at: Timestamp) -> Self {
        let (flags, segments) = snapshot.differing(&self.snapshot);
        let size = self.size.after(&self.snapshot, &snapshot, &flags, &segments);
        let touched = Arc::new(Touched { flags, segments, at });
        let steps = snapshot.revision().saturating_sub(self.revision());
        let steps = usize::try_from(steps).unwrap_or(usize::MAX).min(RESUMABLE_REVISIONS);
        let mut recent = self.recent.clone();
        recent.extend(std::iter::repeat_n(touched, steps));
        recent.drain(..recent.len().saturating_sub(RESUMABLE_REVISIONS));
        Self::new(snapshot, size, recent)
    }

    /// Learns what the revisions up to this one touched, so that clients of before a restart can resume.
    pub(crate) fn remember(&mut self, patches: &[(Patch, Timestamp)]) {
        self.recent = patches.iter().map(|(patch, at)| Touched::by(patch, *at)).collect();
    }

    /// The flag set as JSON.
    pub fn body(&self) -> Bytes {
        let put = self.encoded_put(0);
        put.frame.slice(put.body..put.frame.len() - "\n\n".len())
    }

    /// The `put` frame. Its clients are asked to send their receipts within `receipts_ms`; what whoever asks first says
    /// stands for all, for the frame is encoded once.
    pub fn put(&self, receipts_ms: u64) -> Bytes {
        self.encoded_put(receipts_ms).frame.clone()
    }

    fn encoded_put(&self, receipts_ms: u64) -> &Put {
        self.put.get_or_init(|| {
            let (frame, body) = frame("put", self.revision(), receipts_ms, &self.snapshot.flag_set());
            Put { frame, body }
        })
    }

    /// The frame that brings a client from revision `from` to this one: a patch if `from` is still remembered, else a
    /// put. A client that is up to date gets an empty patch, which tells it so. `receipts_ms` as for [`State::put`].
    pub fn frame_from(&self, from: u64, receipts_ms: u64) -> Bytes {
        if from.checked_add(1) == Some(self.revision()) {
            let encode = || self.encode_from(from, receipts_ms).unwrap_or_else(|| self.put(receipts_ms));
            return self.newest_patch.get_or_init(encode).clone();
        }
        // One patch is encoded at a time: thousands who come back together are at few revisions.
        let mut patches = self.patches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = patches.frames.get(&from) {
            return frame.clone();
        }
        if patches.bytes >= PATCH_BYTES {
            return self.put(receipts_ms);
        }
        let Some(frame) = self.encode_from(from, receipts_ms) else { return self.put(receipts_ms) };
        patches.bytes += frame.len();
        patches.frames.insert(from, frame.clone());
        frame
    }

    /// The patch from a revision that is still remembered.
    fn encode_from(&self, from: u64, receipts_ms: u64) -> Option<Bytes> {
        Some(frame("patch", self.revision(), receipts_ms, &self.patch_from(from)?).0)
    }

    /// What the revisions after `from` touched; nothing when that is too long ago to be remembered.
    fn touched_since(&self, from: u64) -> Option<impl Iterator<Item = &Touched> + Clone> {
        let missed = usize::try_from(self.revision().checked_sub(from)?).ok()?;
        let newest = self.recent.iter().rev().take(missed).map(Arc::as_ref);
        (newest.clone().count() == missed).then_some(newest)
    }

    /// The keys of the flags and of the segments that the revisions after `from` touched, at most `most` in all; nothing
    /// when they are more, or too long ago to be remembered.
    pub fn keys_since(&self, from: u64, most: usize) -> Option<(BTreeSet<&str>, BTreeSet<&str>)> {
        let (mut flags, mut segments) = (BTreeSet::new(), BTreeSet::new());
        for touched in self.touched_since(from)? {
            flags.extend(touched.flags.iter().map(String::as_str));
            segments.extend(touched.segments.iter().map(String::as_str));
            if flags.len() + segments.len() > most {
                return None;
            }
        }
        Some((flags, segments))
    }

    fn patch_from(&self, from: u64) -> Option<Patch> {
        let to = self.revision();
        let newest = self.touched_since(from)?;
        let mut patch = Patch { from, to, flags: BTreeMap::new(), segments: BTreeMap::new() };
        for touched in newest {
            for key in &touched.flags {
                let document = self.snapshot.flag(key).map(|flag| flag.document().clone());
                patch.flags.insert(key.clone(), document);
            }
            for key in &touched.segments {
                patch.segments.insert(
                    key.clone(),
                    self.snapshot.segment(key).map(|segment| segment.document().clone()),
                );
            }
        }
        // A client that missed most of the set is better served by the whole of it.
        (patch.flags.len() <= self.snapshot.len().max(8)).then_some(patch)
    }
}

/// One SSE frame, and where its data begins. JSON has no line breaks of its own, so one `data` line holds it; a reader
/// that does not know the field `receipt-within` passes over it.
fn frame(event: &str, revision: u64, receipts_ms: u64, data: &impl serde::Serialize) -> (Bytes, usize) {
    let head = format!("event: {event}\nid: {revision}\nreceipt-within: {receipts_ms}\ndata: ");
    let start = head.len();
    let data = serde_json::to_string(data).unwrap_or_default();
    (Bytes::from([&head, data.as_str(), "\n\n"].concat()), start)
}

/// One environment as it is served: its newest state, and a bell that rings when there is a newer one.
#[derive(Debug)]
pub struct Live {
    /// The instances that follow the environment.
    pub roster: Roster,
    state: ArcSwap<State>,
    bell: watch::Sender<u64>,
    /// The newest revision that was refused; 0 when none was.
    refused: AtomicU64,
    recalled: AtomicBool,
}

impl Live {
    /// Starts serving `state`.
    pub fn new(state: State) -> Self {
        let bell = watch::Sender::new(state.revision());
        let (roster, refused) = (Roster::default(), AtomicU64::new(0));
        Self { roster, state: ArcSwap::from_pointee(state), bell, refused, recalled: AtomicBool::new(false) }
    }

    /// The newest state.
    pub fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Subscribes to the bell. Subscribe first, read the state second: what comes between rings again.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    /// Wakes every stream though there is no newer state, so that each asks whether it may go on.
    pub fn ring(&self) {
        self.bell.send_modify(|_| {});
    }

    /// Whether a revision is newer than what is served, and was not refused.
    pub(crate) fn lacks(&self, revision: u64) -> bool {
        self.state().revision() < revision && self.refused.load(Ordering::Relaxed) < revision
    }

    /// Serves `state` from now on, unless a newer one got there first. One that is unfit replaces nothing.
    pub fn offer(self: &Arc<Self>, state: State) {
        let revision = state.revision();
        let current = self.state();
        let same = current.snapshot.project() == state.snapshot.project()
            && current.snapshot.environment() == state.snapshot.environment();
        if let Err(unfit) = if same { state.size.check() } else { Err(Unfit::Elsewhere) } {
            if self.refused.fetch_max(revision, Ordering::Relaxed) < revision {
                refuse(&current.snapshot, revision, &unfit);
            }
            return;
        }
        let state = Arc::new(state);
        self.state.rcu(|current| if current.revision() < revision { state.clone() } else { current.clone() });
        // Ringing wakes every stream, milliseconds of work that the writer need not wait for.
        let live = self.clone();
        tokio::spawn(async move {
            live.bell.send_if_modified(|rung| {
                let newer = revision > *rung;
                *rung = revision.max(*rung);
                newer
            });
        });
    }
}

fn refuse(snapshot: &Snapshot, revision: u64, unfit: &Unfit) {
    let (project, environment) = (snapshot.project(), snapshot.environment());
    metrics::counter!("hoist_flag_sets_refused_total").increment(1);
    tracing::error!(project, environment, revision, %unfit, "a flag set is refused; the one before it stays");
}

type Key = (ProjectKey, EnvironmentKey);

/// All environments that are served.
#[derive(Debug, Default)]
pub struct Snapshots {
    live: ArcSwap<HashMap<Key, Arc<Live>>>,
    /// Revisions of environments that are not served, because they are unfit.
    refused: Mutex<HashMap<Key, u64>>,
}

impl Snapshots {
    /// Finds an environment.
    pub fn get(&self, project: &ProjectKey, environment: &EnvironmentKey) -> Option<Arc<Live>> {
        self.live.load().get(&(project.clone(), environment.clone())).cloned()
    }

    /// Lists every environment served.
    pub fn all(&self) -> Vec<(Key, Arc<Live>)> {
        self.live.load().iter().map(|(key, live)| (key.clone(), live.clone())).collect()
    }

    /// Lists the environments of a project that are served, in order of key.
    pub fn of(&self, project: &ProjectKey) -> BTreeMap<EnvironmentKey, Arc<Live>> {
        let served = self.live.load();
        let own = served.iter().filter(|((its, _), _)| its == project);
        own.map(|((_, environment), live)| (environment.clone(), live.clone())).collect()
    }

    /// Whether an environment at this revision was refused.
    pub(crate) fn refused(&self, project: &ProjectKey, environment: &EnvironmentKey, revision: u64) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(&(project.clone(), environment.clone())) == Some(&revision)
    }

    /// Serves an environment that was not served before, if its flag set is fit; an existing one is left as it is.
    pub fn insert(&self, project: &ProjectKey, environment: &EnvironmentKey, live: &Arc<Live>) {
        let (key, state) = ((project.clone(), environment.clone()), live.state());
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(unfit) = state.size.check() {
            if refused.insert(key, state.revision()) != Some(state.revision()) {
                refuse(&state.snapshot, state.revision(), &unfit);
            }
            return;
        }
        refused.remove(&key);
        drop(refused);
        self.live.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.entry((project.clone(), environment.clone())).or_insert_with(|| live.clone());
            all
        });
    }

    /// Serves an environment no longer; its streams end.
    pub fn remove(&self, project: &ProjectKey, environment: &EnvironmentKey) {
        self.live.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.remove(&(project.clone(), environment.clone()));
            all
        });
    }
}

#[cfg(test)]
mod tests {
    use hoist_evaluation::Document;
    use serde_json::value::RawValue;

    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_795_442_580_000);

    fn document(enabled: bool) -> Document {
        let text = format!(
            r#"{{"type":"boolean","variants":{{"on":true,"off":false}},"salt":"s","bucketing":"hoist-v1","version":1,"settings":{{"enabled":{enabled},"default":{{"serve":"on"}},"off_variant":"off"}}}}"#
        );
        Arc::from(RawValue::from_string(text).unwrap())
    }

    fn step(from: u64, key: &str, enabled: bool) -> Patch {
        let flags = [(key.to_owned(), Some(document(enabled)))].into();
        Patch { from, to: from + 1, flags, segments: BTreeMap::new() }
    }

    fn start() -> State {
        State::empty(&ProjectKey::stored("p".into()), &EnvironmentKey::stored("e".into()))
    }

    #[test]
    fn the_body_is_the_flag_set_and_the_put_wraps_it() {
        let state = start().apply(&step(0, "a", true), NOW).unwrap();
        let set: FlagSet = serde_json::from_slice(&state.body()).unwrap();
        assert_eq!((set.revision, set.flags.len()), (1, 1));
        let put = String::from_utf8(state.put(7).to_vec()).unwrap();
        assert!(
            put.starts_with("event: put\nid: 1\nreceipt-within: 0\ndata: {") && put.ends_with("}\n\n"),
            "{put}"
        );
    }

    #[test]
    fn a_revision_tells_when_it_was_made_while_it_is_remembered() {
        let at = |revision: i64| Timestamp::from_ms(NOW.ms() + revision);
        let mut state = start();
        assert_eq!(state.made(0), None);
        for revision in 1..=i64::try_from(RESUMABLE_REVISIONS).unwrap() + 2 {
            let from = revision.unsigned_abs() - 1;
            state = state.apply(&step(from, "a", from % 2 == 0), at(revision)).unwrap();
        }
        assert_eq!(state.made(state.revision()), Some(at(1_026)));
        assert_eq!((state.made(3), state.made(2), state.made(1_027)), (Some(at(3)), None, None));
    }

    #[test]
    fn a_client_behind_gets_one_patch_with_the_newest_of_each_key() {
        let mut state = start();
        for (revision, enabled) in [(0, true), (1, false), (2, true)] {
            state = state.apply(&step(revision, "a", enabled), NOW).unwrap();
        }
        let frame = String::from_utf8(state.frame_from(1, 7).to_vec()).unwrap();
        let patch: Patch = serde_json::from_str(frame.split("data: ").nth(1).unwrap().trim()).unwrap();
        assert_eq!((patch.from, patch.to, patch.flags.len()), (1, 3, 1));
        assert!(patch.flags["a"].as_ref().unwrap().get().contains("\"enabled\":true"));
    }

    #[test]
    fn one_who_is_up_to_date_gets_an_empty_patch_and_one_from_the_future_a_put() {
        let state = start().apply(&step(0, "a", true), NOW).unwrap();
        let empty = b"event: patch\nid: 1\nreceipt-within: 7\ndata: {\"from\":1,\"to\":1,";
        assert!(state.frame_from(1, 7).starts_with(empty));
        assert!(state.frame_from(9, 7).starts_with(b"event: put\n"));
    }

    #[test]
    fn one_between_two_snapshots_that_were_followed_gets_all_that_differs() {
        let before = start().apply(&step(0, "a", true), NOW).unwrap();
        let newest = [(1, "b"), (2, "a"), (3, "c")]
            .into_iter()
            .fold(before.snapshot.clone(), |it, (from, key)| it.apply(&step(from, key, false)).unwrap());
        let state = before.follow(newest, NOW);
        for from in 1..=3 {
            let frame = String::from_utf8(state.frame_from(from, 0).to_vec()).unwrap();
            let patch: Patch = serde_json::from_str(frame.split("data: ").nth(1).unwrap().trim()).unwrap();
            assert_eq!((patch.from, patch.to), (from, 4));
            assert_eq!(patch.flags.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        }
        assert!(state.frame_from(0, 0).starts_with(b"event: patch\n"));
    }

    #[test]
    fn what_those_who_come_back_may_have_is_kept_within_bounds() {
        let state = start().apply(&step(0, "a", true), NOW).unwrap();
        for from in 0..100 {
            let got = if from < 2 { "event: patch" } else { "event: put" };
            assert!(state.frame_from(from, 0).starts_with(got.as_bytes()), "{from}");
        }
        assert!(state.patches.lock().unwrap().frames.len() <= 2, "revisions that never were take memory");
    }

    #[tokio::test]
    async fn a_flag_set_that_is_too_large_replaces_nothing() {
        let live = Arc::new(Live::new(start().apply(&step(0, "a", true), NOW).unwrap()));
        let mut large = live.state().apply(&step(1, "b", true), NOW).unwrap();
        assert_eq!(large.size, Size::of(&large.snapshot));
        large.size = large.size.plus_bytes(crate::size::MAX_BYTES);
        let next = large.apply(&step(2, "a", false), NOW).unwrap();
        live.offer(large);
        live.offer(next);
        assert_eq!((live.state().revision(), live.lacks(3), live.lacks(4)), (1, false, true));
        let elsewhere = State::empty(&ProjectKey::stored("q".into()), &EnvironmentKey::stored("e".into()));
        live.offer(elsewhere.apply(&step(0, "a", true), NOW).unwrap());
        assert_eq!(live.state().snapshot.project(), "p");
        let good = live.state().apply(&step(1, "b", true), NOW).unwrap();
        live.offer(good);
        assert_eq!(live.state().revision(), 2, "one that is fit was not served");
    }

    #[test]
    fn one_who_fell_out_of_the_ring_gets_a_put() {
        let mut state = start();
        for revision in 0..u64::try_from(RESUMABLE_REVISIONS).unwrap() + 5 {
            state = state.apply(&step(revision, "a", revision % 2 == 0), NOW).unwrap();
        }
        assert!(state.frame_from(5, 0).starts_with(b"event: patch\n"));
        assert!(state.frame_from(4, 0).starts_with(b"event: put\n"));
    }
}
