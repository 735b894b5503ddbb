//! What each write does to the model, or why it is refused.

use std::collections::{BTreeMap, BTreeSet};

use super::reference::{Entry, Environment, Flag, Model, Past, Said, Segment, Settings, Told};
use super::writes::{Sent, Write};

type Key = &'static str;

impl Model {
    /// Carries out a write, or refuses it and leaves everything as it was.
    pub(super) fn apply(&mut self, sent: &Sent) -> Told {
        let mut next = self.clone();
        match next.attempt(sent) {
            Ok(told) => {
                *self = next;
                told
            }
            Err(refused) => refused,
        }
    }

    fn attempt(&mut self, sent: &Sent) -> Result<Told, Told> {
        match sent.write {
            Write::CreateFlag(flag) => self.create_flag(flag),
            Write::Describe(flag, note, _) => self.update_flag(flag, sent.version, |flag| flag.note = note),
            Write::Widen(flag, wide, _) => self.update_flag(flag, sent.version, |flag| flag.wide = wide),
            Write::Archive(flag) => self.archive(flag),
            Write::Restore(flag) => self.restore(flag),
            Write::Delete(flag) => self.delete(flag),
            Write::Put(environment, flag, said, _) => {
                let current = self.settings(environment, flag)?;
                outdated(sent.version, current.version)?;
                self.say(environment, flag, said, "settings.updated")
            }
            Write::Rollout(environment, flag, percent, enabled, _) => {
                let current = self.settings(environment, flag)?;
                outdated(sent.version, current.version)?;
                let enabled = enabled.unwrap_or(current.said.enabled);
                self.say(environment, flag, Said { enabled, percent, ..current.said }, "settings.rollout")
            }
            Write::Kill(environment, flag) => {
                let current = self.settings(environment, flag)?;
                self.say(environment, flag, Said { enabled: false, ..current.said }, "settings.killed")
            }
            Write::Back(environment, flag, ..) => {
                let past = self.past(environment, flag, sent.revision).ok_or(Told::bare(404))?;
                let current = self.settings(environment, flag)?;
                outdated(sent.version, current.version)?;
                self.say(environment, flag, past.said, "settings.restored")
            }
            Write::Promote(from, target, flag, _) => self.promote(from, target, flag, sent),
            Write::CreateSegment(segment, who) => self.create_segment(segment, who),
            Write::PutSegment(segment, who, _) => self.put_segment(segment, who, sent.version),
            Write::DeleteSegment(segment) => self.delete_segment(segment),
            Write::CreateEnvironment(environment) => self.create_environment(environment),
            Write::DeleteEnvironment(environment) => self.delete_environment(environment),
        }
    }

    fn flag(&mut self, key: &str) -> Result<&mut Flag, Told> {
        self.flags.get_mut(key).ok_or(Told::bare(404))
    }

    fn settings(&self, environment: &str, flag: &str) -> Result<Settings, Told> {
        let found = self.flags.get(flag).and_then(|flag| flag.settings.get(environment));
        found.copied().ok_or(Told::bare(404))
    }

    fn revise(&mut self, environment: &str) -> u64 {
        let Some(environment) = self.environments.get_mut(environment) else { return 0 };
        environment.revision += 1;
        environment.revision
    }

    fn revise_all(&mut self) -> BTreeMap<Key, u64> {
        let keys: Vec<Key> = self.environments.keys().copied().collect();
        keys.into_iter().map(|key| (key, self.revise(key))).collect()
    }

    /// Notes what a flag is from a revision on.
    fn remember(&mut self, environment: &str, flag: Key, revision: u64) {
        let it = self.flags.get(flag).filter(|flag| !flag.archived);
        let settings = it.and_then(|flag| flag.settings.get(environment)).copied();
        if let Some(environment) = self.environments.get_mut(environment) {
            environment.history.push(Past { flag, revision, settings });
        }
    }

    fn record_everywhere(&mut self, action: &'static str, key: Key, revisions: BTreeMap<Key, u64>) {
        let flag = action.starts_with("flag.").then_some(key);
        let (key, environment, revision) = (key.to_owned(), None, None);
        self.audit.push(Entry { action, key, environment, flag, revision, revisions });
    }

    /// Says something about a flag, unless it stands there already.
    fn say(&mut self, environment: Key, flag: Key, said: Said, action: &'static str) -> Result<Told, Told> {
        let mut settings = self.settings(environment, flag)?;
        if self.flag(flag)?.archived {
            return Err(Told::bare(409));
        }
        let killed_before = action == "settings.killed" && settings.said == said;
        if settings.said == said && !killed_before {
            return Ok(Told::settings(settings));
        }
        if !killed_before {
            let revision = self.revise(environment);
            settings = Settings { said, version: settings.version + 1, revision };
            self.flag(flag)?.settings.insert(environment, settings);
            self.remember(environment, flag, revision);
            self.sound(environment, flag)?;
        }
        self.audit.push(Entry {
            action,
            key: flag.to_owned(),
            environment: Some(environment),
            flag: Some(flag),
            // Whoever kills what is off is on record, and nothing else happens.
            revision: (!killed_before).then_some(settings.revision),
            revisions: BTreeMap::new(),
        });
        Ok(Told::settings(settings))
    }

    /// Refuses what names something that is not there, or goes round in a cycle.
    fn sound(&self, environment: &str, flag: Key) -> Result<(), Told> {
        let invalid = Err(Told::bare(422));
        let said = self.settings(environment, flag)?.said;
        if said.rule.is_some_and(|segment| !self.segments.contains_key(segment)) {
            return invalid;
        }
        let (mut seen, mut next) = (BTreeSet::new(), said.needs);
        while let Some(needed) = next {
            if needed == flag || !self.is_live(needed) {
                return invalid;
            }
            next = if seen.insert(needed) { self.settings(environment, needed)?.said.needs } else { None };
        }
        Ok(())
    }

    fn create_flag(&mut self, key: Key) -> Result<Told, Told> {
        if self.is_known(key) {
            return Err(Told::bare(409));
        }
        let revisions = self.revise_all();
        let first = |(key, revision): (&Key, &u64)| {
            (*key, Settings { said: Said::FIRST, version: 1, revision: *revision })
        };
        let settings = revisions.iter().map(first).collect();
        self.flags.insert(key, Flag { version: 1, note: 0, wide: false, archived: false, settings });
        for (environment, revision) in &revisions {
            self.remember(environment, key, *revision);
        }
        self.record_everywhere("flag.created", key, revisions);
        Ok(Told { status: 201, version: Some(1), revision: None })
    }

    fn update_flag(
        &mut self,
        key: Key,
        read: Option<u64>,
        update: impl FnOnce(&mut Flag),
    ) -> Result<Told, Told> {
        let before = self.flag(key)?.clone();
        outdated(read, before.version)?;
        let flag = self.flag(key)?;
        update(flag);
        if (flag.note, flag.wide) == (before.note, before.wide) {
            return Ok(Told { status: 200, version: Some(before.version), revision: None });
        }
        flag.version += 1;
        let (version, wide, archived) = (flag.version, flag.wide, flag.archived);
        // SDKs are sent what they can see.
        let seen = wide != before.wide && !archived;
        let revisions = if seen { self.revise_all() } else { BTreeMap::new() };
        for (environment, revision) in &revisions {
            self.remember(environment, key, *revision);
        }
        self.record_everywhere("flag.updated", key, revisions);
        Ok(Told { status: 200, version: Some(version), revision: None })
    }

    fn archive(&mut self, key: Key) -> Result<Told, Told> {
        let flag = self.flag(key)?;
        if flag.archived {
            return Err(Told::bare(409));
        }
        flag.archived = true;
        flag.version += 1;
        let version = flag.version;
        if self.said_by_live_flags().any(|said| said.needs == Some(key)) {
            return Err(Told::bare(409));
        }
        let revisions = self.revise_all();
        for (environment, revision) in &revisions {
            self.remember(environment, key, *revision);
        }
        self.record_everywhere("flag.archived", key, revisions);
        Ok(Told { status: 200, version: Some(version), revision: None })
    }

    fn said_by_live_flags(&self) -> impl Iterator<Item = Said> {
        let live = self.flags.values().filter(|flag| !flag.archived);
        live.flat_map(|flag| flag.settings.values().map(|settings| settings.said))
    }

    fn restore(&mut self, key: Key) -> Result<Told, Told> {
        let flag = self.flag(key)?;
        if !flag.archived {
            return Err(Told::bare(409));
        }
        flag.archived = false;
        flag.version += 1;
        let version = flag.version;
        let revisions = self.revise_all();
        for (environment, revision) in &revisions {
            let first = Settings { said: Said::FIRST, version: 1, revision: *revision };
            self.flag(key)?.settings.entry(environment).or_insert(first);
            self.remember(environment, key, *revision);
            self.sound(environment, key)?;
        }
        self.record_everywhere("flag.restored", key, revisions);
        Ok(Told { status: 200, version: Some(version), revision: None })
    }

    fn delete(&mut self, key: Key) -> Result<Told, Told> {
        if !self.flag(key)?.archived {
            return Err(Told::bare(409));
        }
        self.flags.remove(key);
        self.gone.insert(key);
        self.record_everywhere("flag.deleted", key, BTreeMap::new());
        Ok(Told::bare(204))
    }

    fn promote(&mut self, from: Key, target: Key, flag: Key, sent: &Sent) -> Result<Told, Told> {
        if from == target {
            return Err(Told::bare(422));
        }
        let (giving, receiving) = (self.settings(from, flag)?, self.settings(target, flag)?);
        if (Some(giving.version), Some(receiving.version)) != (sent.version, sent.receiving) {
            return Err(Told::bare(412));
        }
        // What says the same already is passed over, even when it is archived.
        if giving.said == receiving.said {
            return Ok(Told::settings(receiving));
        }
        self.say(target, flag, giving.said, "settings.promoted")
    }

    fn create_segment(&mut self, key: Key, who: u8) -> Result<Told, Told> {
        if self.segments.contains_key(key) {
            return Err(Told::bare(409));
        }
        self.segments.insert(key, Segment { version: 1, who });
        let revisions = self.revise_all();
        self.record_everywhere("segment.created", key, revisions);
        Ok(Told { status: 201, version: Some(1), revision: None })
    }

    fn put_segment(&mut self, key: Key, who: u8, read: Option<u64>) -> Result<Told, Told> {
        let segment = self.segments.get_mut(key).ok_or(Told::bare(404))?;
        outdated(read, segment.version)?;
        *segment = Segment { version: segment.version + 1, who };
        let version = segment.version;
        let revisions = self.revise_all();
        self.record_everywhere("segment.updated", key, revisions);
        Ok(Told { status: 200, version: Some(version), revision: None })
    }

    fn delete_segment(&mut self, key: Key) -> Result<Told, Told> {
        self.segments.remove(key).ok_or(Told::bare(404))?;
        if self.said_by_live_flags().any(|said| said.rule == Some(key)) {
            return Err(Told::bare(409));
        }
        let revisions = self.revise_all();
        self.record_everywhere("segment.deleted", key, revisions);
        Ok(Told::bare(204))
    }

    fn create_environment(&mut self, key: Key) -> Result<Told, Told> {
        if self.is_known(key) {
            return Err(Told::bare(409));
        }
        let live: Vec<Key> = self.flags.keys().copied().filter(|flag| self.is_live(flag)).collect();
        let revision = u64::from(!live.is_empty() || !self.segments.is_empty());
        self.environments.insert(key, Environment { revision, history: Vec::new() });
        for flag in live {
            let first = Settings { said: Said::FIRST, version: 1, revision };
            self.flag(flag)?.settings.insert(key, first);
            self.remember(key, flag, revision);
        }
        self.record_environment("environment.created", key, (revision > 0).then_some(revision));
        Ok(Told { status: 201, version: None, revision: Some(revision) })
    }

    fn delete_environment(&mut self, key: Key) -> Result<Told, Told> {
        if !self.environments.contains_key(key) {
            return Err(Told::bare(404));
        }
        let mut live = self.flags.values().filter(|flag| !flag.archived);
        if live.any(|flag| flag.settings.get(key).is_some_and(|settings| settings.said.enabled)) {
            return Err(Told::bare(409));
        }
        self.environments.remove(key);
        self.gone.insert(key);
        for flag in self.flags.values_mut() {
            flag.settings.remove(key);
        }
        self.record_environment("environment.deleted", key, None);
        Ok(Told::bare(204))
    }

    fn record_environment(&mut self, action: &'static str, key: Key, revision: Option<u64>) {
        let (environment, flag, revisions) = (Some(key), None, BTreeMap::new());
        self.audit.push(Entry { action, key: key.to_owned(), environment, flag, revision, revisions });
    }
}

/// Refuses a writer who has read another version.
fn outdated(read: Option<u64>, current: u64) -> Result<(), Told> {
    match read {
        Some(read) if read != current => Err(Told { version: Some(current), ..Told::bare(412) }),
        _ => Ok(()),
    }
}
