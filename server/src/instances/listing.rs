//! A listing: who runs which revision, who has a certain one, and who is missing.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::member::{Member, Told};
use crate::clock::Timestamp;

/// One running copy of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Instance {
    /// Its identifier, given by itself at its start.
    #[schema(example = "0f2f2f8e-3f0a-4f57-9f5a-6a1d1f3b9f10")]
    pub instance: String,
    /// Its name for people, usually its host's; its identifier when it has none.
    pub name: String,
    /// The application.
    pub app: Option<String>,
    /// The application's version.
    pub app_version: Option<String>,
    /// The SDK and its version.
    pub sdk: Option<String>,
    /// The revision that it runs; null when it has told none.
    pub revision: Option<u64>,
    /// Since when it runs that revision, by the server's clock.
    pub since: Option<Timestamp>,
    /// How many milliseconds after the change was made it ran that revision; null when the change was made before the
    /// instance was there, or too long ago to know.
    pub lag_ms: Option<u64>,
    /// When it last said anything.
    pub last_seen_at: Timestamp,
    /// Whether a server holds its stream.
    pub connected: bool,
    /// Whether it is there, and so counted: connected, or heard from within the last 30 seconds.
    pub present: bool,
}

/// One page of an environment's instances, and how many have a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Instances)]
pub struct Listing {
    /// The revision that is counted against.
    pub revision: u64,
    /// How many instances are there: they have a stream, or were heard from within the last 30 seconds.
    pub instances: usize,
    /// How many of these run that revision or a later one.
    pub at_revision: usize,
    /// The longest lag of those that run exactly that revision; null when none is known.
    pub slowest_ms: Option<u64>,
    /// How many more are known that are not there: they have ended, or are cut off.
    pub not_connected: usize,
    /// Whether the environment has as many instances as are kept; others may be connected that are not listed.
    pub full: bool,
    /// The instances, by name; those that are not there too.
    pub items: Vec<Instance>,
    /// Where to go on; null at the end.
    pub next_cursor: Option<String>,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The revision to count against; the newest when absent.
    pub revision: Option<u64>,
    /// Lists only those that do not have it.
    pub behind: bool,
    /// Lists and counts only this application's.
    pub app: Option<String>,
    /// The last item of the page before.
    pub after: Option<Place>,
    /// How many items at most.
    pub limit: usize,
}

/// An item's place in the list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    name: String,
    instance: Uuid,
}

impl Place {
    /// Reads a cursor: the identifier, then the name.
    pub fn parse(cursor: &str) -> Option<Self> {
        let (instance, name) = cursor.split_at_checked(uuid::fmt::Hyphenated::LENGTH)?;
        Some(Self { name: name.to_owned(), instance: Uuid::try_parse(instance).ok()? })
    }

    fn cursor(item: &Instance) -> String {
        format!("{}{}", item.instance, item.name)
    }
}

/// What a listing is seen against.
pub struct View<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// The environment's newest revision.
    pub newest: u64,
    /// When a revision was made, if that is still known.
    pub made: &'a dyn Fn(u64) -> Option<Timestamp>,
}

impl View<'_> {
    /// What was told, unless of a revision that is no more.
    fn told(&self, member: &Member) -> Option<Told> {
        member.known.told.filter(|told| told.revision <= self.newest)
    }

    fn lag_ms(&self, member: &Member) -> Option<u64> {
        let told = self.told(member)?;
        lag_ms((self.made)(told.revision), member.known.first_seen, told.since)
    }

    fn item(&self, id: Uuid, member: &Member) -> Instance {
        let (known, told) = (&member.known, self.told(member));
        let about = known.about.clone();
        Instance {
            instance: id.to_string(),
            name: name(id, member),
            app: about.app,
            app_version: about.app_version,
            sdk: about.sdk,
            revision: told.map(|told| told.revision),
            since: told.map(|told| told.since),
            lag_ms: self.lag_ms(member),
            last_seen_at: known.last_seen,
            connected: member.is_connected(),
            present: member.is_present(self.now),
        }
    }
}

/// How long after a change an instance had it; only one that was there when it was made can lag.
pub(super) fn lag_ms(made: Option<Timestamp>, first_seen: Timestamp, since: Timestamp) -> Option<u64> {
    let made = made.filter(|made| first_seen <= *made)?;
    u64::try_from(since.since(made).as_millis()).ok()
}

fn name(id: Uuid, member: &Member) -> String {
    member.known.about.name.clone().unwrap_or_else(|| id.to_string())
}

impl Listing {
    /// Counts and lists `members`.
    pub(super) fn of<'m>(
        members: impl Iterator<Item = (Uuid, &'m Member)>,
        wanted: &Wanted,
        view: &View<'_>,
        full: bool,
    ) -> Self {
        let revision = wanted.revision.unwrap_or(view.newest);
        let (mut instances, mut at_revision, mut not_connected, mut slowest_ms) = (0, 0, 0, None);
        let mut places = Vec::new();
        for (id, member) in members {
            if wanted.app.is_some() && wanted.app != member.known.about.app {
                continue;
            }
            let told = view.told(member).map(|told| told.revision);
            let has = told.is_some_and(|told| told >= revision);
            if member.is_present(view.now) {
                instances += 1;
                at_revision += usize::from(has);
                if told == Some(revision) {
                    slowest_ms = slowest_ms.max(view.lag_ms(member));
                }
            } else {
                not_connected += 1;
            }
            if !(wanted.behind && has) {
                places.push((Place { name: name(id, member), instance: id }, member));
            }
        }
        if let Some(after) = &wanted.after {
            places.retain(|(place, _)| place > after);
        }
        places.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let more = places.len() > wanted.limit;
        let page = places.iter().take(wanted.limit);
        let items: Vec<Instance> = page.map(|(place, member)| view.item(place.instance, member)).collect();
        let next_cursor = items.last().filter(|_| more).map(Place::cursor);
        Self { revision, instances, at_revision, slowest_ms, not_connected, full, items, next_cursor }
    }
}
