//! Which nodes belong together: those over one database.
//!
//! A Redis may serve several deployments, and its messages know no database numbers. So whatever Hoist keeps there is
//! named after the database that it belongs to, and sealed with a key that only those have who can reach it. Both come
//! from `HOIST_DATABASE_URL` (without its query, which says how to connect and not where): there is nothing to set, and
//! a node of another deployment hears nothing and can put nothing in. A new password makes a new name; what was kept
//! under the old one expires.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The database that nodes share, as far as Redis may know it.
#[derive(Clone)]
pub(crate) struct Deployment {
    key: Hmac<Sha256>,
}

impl std::fmt::Debug for Deployment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Deployment").field(&self.prefix()).finish()
    }
}

impl Deployment {
    /// The deployment over the database at this URL.
    pub(crate) fn of(database_url: &str) -> Self {
        let place = database_url.split_once('?').map_or(database_url, |(place, _)| place);
        let place = place.strip_prefix("postgresql://").unwrap_or(place);
        let place = place.strip_prefix("postgres://").unwrap_or(place);
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let key = Hmac::<Sha256>::new_from_slice(place.as_bytes()).expect("a key");
        Self { key }
    }

    /// What the names of everything in Redis begin with.
    pub(crate) fn prefix(&self) -> String {
        let name = self.seal(&[b"name"]);
        format!("hoist:{}", name.get(..16).unwrap_or(&name))
    }

    /// A seal over some parts, which nobody can make who does not know the database's address.
    pub(crate) fn seal(&self, parts: &[&[u8]]) -> String {
        let mut key = self.key.clone();
        for part in parts {
            key.update(&(part.len() as u64).to_be_bytes());
            key.update(part);
        }
        crate::audit::hex(&key.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_one_database_agree_and_others_do_not() {
        let prefix = |url: &str| Deployment::of(url).prefix();
        let own = prefix("postgres://hoist:secret@db:5432/hoist");
        assert_eq!(own, prefix("postgresql://hoist:secret@db:5432/hoist?sslmode=verify-full"));
        for other in ["postgres://hoist:secret@db:5432/staging", "postgres://hoist:other@db:5432/hoist"] {
            assert_ne!(own, prefix(other), "{other}");
        }
    }

    #[test]
    fn a_seal_tells_where_one_part_ends_and_the_next_begins() {
        let deployment = Deployment::of("postgres://db/hoist");
        assert_ne!(deployment.seal(&[b"ab", b"c"]), deployment.seal(&[b"a", b"bc"]));
        assert_eq!(deployment.seal(&[b"ab"]).len(), 64);
    }
}
