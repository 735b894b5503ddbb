//! Which nodes belong together: those over one database.
//!
//! A Redis may serve several deployments, and its messages know no database numbers. So whatever Hoist keeps there is
//! named after the database that it belongs to, as `HOIST_DATABASE_URL` says it: there is nothing to set. The bell and
//! what rates count are named by host, port and database alone. They hold nothing that could be believed, and nodes with
//! the old password and the new one hear each other. The cache is believed, by nodes that cannot ask the database, and
//! such a node has no other secret than its settings. So what lies there is sealed with a key from the whole of it, user
//! and password too, and is named by that key: a new password makes a new cache, and what was kept in the old one expires.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The port of PostgreSQL where none is named.
const USUAL_PORT: &str = "5432";

/// The database that nodes share, as far as Redis may know it.
#[derive(Clone)]
pub(crate) struct Deployment {
    /// Anybody's who knows where the database is.
    place: Hmac<Sha256>,
    /// Only theirs who can reach it.
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
        let (url, query) = database_url.split_once('?').unwrap_or((database_url, ""));
        let url = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (who, place) = url.rsplit_once('@').unwrap_or(("", url));
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        let (host, database) = place.split_once('/').unwrap_or((place, ""));
        let (host, port) = match host.rsplit_once(':') {
            // Within brackets, colons are an address's own.
            Some((name, port)) if !port.contains(']') => (name, port),
            _ => (host, ""),
        };
        // The query says how to get there; only what stands nowhere else is taken from it.
        let said = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
        };
        let first =
            |ways: &[&str]| ways.iter().find(|it| !it.is_empty()).copied().unwrap_or_default().to_owned();
        let host = first(&[host, said("host"), said("hostaddr")]).to_lowercase();
        let port = first(&[port, said("port"), USUAL_PORT]);
        let place = [host, port, first(&[database, said("dbname")])].join("\n");
        let (user, password) = (first(&[user, said("user")]), first(&[password, said("password")]));
        let whole = [&*place, &user, &password].join("\n");
        Self { place: mac(&place), key: mac(&whole) }
    }

    /// What the names of everything in Redis begin with.
    pub(crate) fn prefix(&self) -> String {
        format!("hoist:{}", short(&sealed(&self.place, &[b"name"])))
    }

    /// What tells the cache of this password from those of others.
    pub(crate) fn cache(&self) -> String {
        short(&self.seal(&[b"cache"])).to_owned()
    }

    /// A seal over some parts, which nobody can make who cannot reach the database.
    pub(crate) fn seal(&self, parts: &[&[u8]]) -> String {
        sealed(&self.key, parts)
    }
}

fn mac(secret: &str) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key")
}

fn sealed(key: &Hmac<Sha256>, parts: &[&[u8]]) -> String {
    let mut key = key.clone();
    for part in parts {
        key.update(&(part.len() as u64).to_be_bytes());
        key.update(part);
    }
    crate::audit::hex(&key.finalize().into_bytes())
}

fn short(name: &str) -> &str {
    name.get(..16).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_one_database_hear_each_other_and_others_do_not() {
        let prefix = |url: &str| Deployment::of(url).prefix();
        let own = prefix("postgres://hoist:secret@db/hoist");
        for same in [
            "postgresql://hoist:secret@db:5432/hoist?sslmode=verify-full",
            "postgres://hoist:new@DB/hoist",
            "postgres://other:p%40ss@db:5432/hoist?password=x&port=6543",
            "postgres:///?host=db&dbname=hoist",
        ] {
            assert_eq!(own, prefix(same), "{same}");
        }
        for other in [
            "postgres://hoist:secret@db/staging",
            "postgres://hoist:secret@db2/hoist",
            "postgres://hoist:secret@db:5433/hoist",
            "postgres://hoist:secret@[::1]/hoist",
            "postgres:///hoist?host=/run/one",
            "postgres:///hoist?host=/run/two",
        ] {
            assert_ne!(own, prefix(other), "{other}");
        }
        assert_eq!(prefix("postgres://a@[::1]/hoist"), prefix("postgres://b@[::1]:5432/hoist"));
        assert_ne!(prefix("postgres:///hoist?host=/run/one"), prefix("postgres:///hoist?host=/run/two"));
    }

    #[test]
    fn only_those_with_the_same_password_believe_each_other() {
        let own = Deployment::of("postgres://hoist:secret@db/hoist");
        for same in [
            "postgres://hoist:secret@db:5432/hoist?sslmode=require",
            "postgres://hoist@db/hoist?password=secret",
        ] {
            let same = Deployment::of(same);
            assert_eq!((own.cache(), own.seal(&[b"a"])), (same.cache(), same.seal(&[b"a"])));
        }
        for other in
            ["postgres://hoist:guess@db/hoist", "postgres://db/hoist", "postgres://next:secret@db/hoist"]
        {
            let other = Deployment::of(other);
            assert_ne!(own.seal(&[b"a"]), other.seal(&[b"a"]));
            assert_ne!(own.cache(), other.cache());
        }
    }

    #[test]
    fn a_seal_tells_where_one_part_ends_and_the_next_begins() {
        let deployment = Deployment::of("postgres://db/hoist");
        assert_ne!(deployment.seal(&[b"ab", b"c"]), deployment.seal(&[b"a", b"bc"]));
        assert_eq!(deployment.seal(&[b"ab"]).len(), 64);
    }
}
