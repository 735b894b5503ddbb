//! The address of the database: whatever in it would stop a start later, or would silently not count, is a problem of
//! the settings. None of them is told with the address, which may hold a password.

use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;

use super::{Reader, certificates, guess};

/// What may stand in the query of an address of PostgreSQL; the driver would pass over anything else.
const PARAMETERS: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];
const CERTIFICATES: [&str; 5] = ["sslrootcert", "ssl-root-cert", "ssl-ca", "sslcert", "ssl-cert"];
const KEYS: [&str; 2] = ["sslkey", "ssl-key"];
const SSL_MODES: &str = "disable, allow, prefer, require, verify-ca or verify-full";
/// What makes of SQLite's file something that a server cannot be run on.
const NO_FILE: [(&str, &str); 5] = [
    (":memory:", "is in memory, where each connection has a database of its own; name a file"),
    ("mode=memory", "is in memory, where each connection has a database of its own; name a file"),
    ("mode=ro", "is only read (mode=ro); a server writes"),
    ("immutable=1", "is only read (immutable); a server writes"),
    ("immutable=true", "is only read (immutable); a server writes"),
];

impl Reader {
    pub(super) fn database_url(&mut self) -> Option<String> {
        self.checked("HOIST_DATABASE_URL", |text| {
            let problems = match text.split_once(':') {
                Some(("sqlite", _)) => sqlite(text),
                Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => postgres(text),
                _ => {
                    vec![
                        "is not right; it must be a URL that starts with sqlite:// or postgres://".to_owned(),
                    ]
                }
            };
            if problems.is_empty() { Ok(text.to_owned()) } else { Err(problems) }
        })
    }
}

fn sqlite(text: &str) -> Vec<String> {
    let parts = || text.split(['?', '&']).map(|part| part.trim_start_matches("sqlite:"));
    let wrong = NO_FILE.iter().find(|(sign, _)| parts().any(|part| part.trim_start_matches('/') == *sign));
    let refused = match (Url::parse(text), SqliteConnectOptions::from_str(text), wrong) {
        (Err(error), ..) => format!("is no URL: {error}"),
        (_, Err(error), _) => format!("cannot be used: {}", innermost(&error)),
        (.., Some((_, why))) => (*why).to_owned(),
        _ => return Vec::new(),
    };
    vec![refused]
}

fn postgres(text: &str) -> Vec<String> {
    let url = match Url::parse(text) {
        Ok(url) if url.fragment().is_none() => url,
        Ok(_) => return vec!["has a `#`, which is written %23 in a user or a password".to_owned()],
        Err(error) => {
            let hint = "in a user or a password, / # ? and @ are written %2F %23 %3F and %40";
            return vec![format!("is no URL: {error} ({hint})")];
        }
    };
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let has = |names: &[&str]| pairs.iter().any(|(name, _)| names.contains(&name.as_str()));
    let mut problems: Vec<String> =
        pairs.iter().filter_map(|(name, value)| parameter(name, value).err()).collect();
    if url.port() == Some(0) {
        problems.push("has the port 0, at which nobody listens".to_owned());
    }
    if has(&CERTIFICATES[3..]) != has(&KEYS) {
        problems.push("has one of sslcert and sslkey, which go together".to_owned());
    }
    if !problems.is_empty() {
        return problems;
    }
    match PgConnectOptions::from_str(text) {
        Err(error) => vec![format!("cannot be used: {}", innermost(&error))],
        // The driver would let in whoever answers, and the certificates would be for nothing.
        Ok(options)
            if has(&CERTIFICATES[..3])
                && !matches!(options.get_ssl_mode(), PgSslMode::VerifyCa | PgSslMode::VerifyFull) =>
        {
            vec![
                "has sslrootcert, which only counts with sslmode=verify-ca or sslmode=verify-full".to_owned(),
            ]
        }
        Ok(_) => Vec::new(),
    }
}

/// Whether one parameter of the query is known, and its value one that counts.
fn parameter(name: &str, value: &str) -> Result<(), String> {
    let must = |right: bool, what: &str| {
        if right { Ok(()) } else { Err(format!("has {name}={value}; it must be {what}")) }
    };
    match name {
        "sslmode" | "ssl-mode" => must(PgSslMode::from_str(value).is_ok(), SSL_MODES),
        "port" => must(value.parse::<u16>().is_ok_and(|port| port > 0), "a port from 1 to 65535"),
        "hostaddr" => must(value.parse::<IpAddr>().is_ok(), "an IP address"),
        "statement-cache-capacity" => must(value.parse::<usize>().is_ok(), "a whole number"),
        name if CERTIFICATES.contains(&name) && !value.trim_start().starts_with("-----BEGIN") => {
            certificates::read(value).map(drop).map_err(|why| format!("has {name}={value}, which {why}"))
        }
        name if CERTIFICATES.contains(&name) => {
            certificates::check(value).map_err(|why| format!("has {name}, which {why}"))
        }
        name if KEYS.contains(&name) && !value.trim_start().starts_with("-----BEGIN") => {
            let read = std::fs::read_to_string(value);
            let key = read.map_err(|error| format!("has {name}={value}, which cannot be read: {error}"))?;
            let right = key.contains("PRIVATE KEY-----");
            if right { Ok(()) } else { Err(format!("has {name}={value}, which holds no private key (PEM)")) }
        }
        name if PARAMETERS.contains(&name) || name == "options" => Ok(()),
        name if name.starts_with("options[") && name.ends_with(']') => Ok(()),
        name => Err(format!("has the parameter {name}, which is not known{}", guess(name, &PARAMETERS))),
    }
}

/// The cause that says something.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    /// What is wrong with an address; nothing if nothing is.
    fn check(url: &str) -> Vec<String> {
        let variables = [("HOIST_DATABASE_URL".to_owned(), url.to_owned())];
        let problems = Settings::from_env(variables.into_iter()).err().map(|problems| problems.0);
        let problems = problems.unwrap_or_default();
        assert!(!problems.iter().any(|it| it.contains("secret")), "a password is shown: {problems:?}");
        problems
    }

    #[test]
    fn addresses_that_can_be_used_are_taken() {
        for url in [
            "postgres://db/hoist",
            "postgresql://hoist:secret@db.internal:5433/hoist?sslmode=verify-full&application_name=flags",
            "postgres:///hoist?host=/var/run/postgresql&port=5433&user=hoist",
            "postgres://hoist@db/hoist?options=-c%20search_path%3Dflags&options[jit]=off",
            "postgres://hoist:se%23cret@%2Fvar%2Frun%2Fpostgresql/hoist?statement-cache-capacity=0",
            "sqlite:///var/lib/hoist/hoist.db?mode=rwc",
            "sqlite:hoist.db",
            "sqlite://memory.db",
        ] {
            assert_eq!(check(url), [""; 0], "{url}");
        }
    }

    #[test]
    fn what_would_stop_a_start_or_not_count_is_named() {
        for (url, told) in [
            ("mysql://hoist:secret@db/hoist", "it must be a URL that starts with"),
            ("postgres:hoist", "it must be a URL that starts with"),
            ("postgres://hoist:secret@db:5554022/hoist", "invalid port number"),
            ("postgres://hoist:se/cret@db/hoist", "written %2F"),
            ("postgres://hoist:secret#@db/hoist", "written %2"),
            ("postgres://hoist:secret@db/hoist#x", "written %23"),
            ("postgres://db:0/hoist", "port 0"),
            ("postgres://db/hoist?port=70000", "port=70000; it must be a port from 1 to 65535"),
            ("postgres://db/hoist?sslmode=verify-fulll", "sslmode=verify-fulll; it must be disable, allow,"),
            ("postgres://db/hoist?ssl_mode=require", "ssl_mode, which is not known; did you mean ssl-mode?"),
            ("postgres://db/hoist?pasword=secret", "pasword, which is not known; did you mean password?"),
            ("postgres://db/hoist?bogus=secret", "bogus, which is not known"),
            ("postgres://db/hoist?hostaddr=db", "an IP address"),
            (
                "postgres://db/hoist?sslrootcert=/nonexist.pem",
                "/nonexist.pem, which cannot be read: No such file",
            ),
            (
                "postgres://db/hoist?sslkey=/nonexist.key&sslcert=/etc/passwd",
                "/nonexist.key, which cannot be",
            ),
            ("postgres://db/hoist?user=%FF%FE&sslcert=/etc/passwd", "go together"),
            ("sqlite://hoist.db?mode=rwcc", "unknown value"),
            ("sqlite://hoist.db?colour=red", "unknown query parameter"),
            ("sqlite://hoist.db?mode=ro", "only read"),
            ("sqlite::memory:", "name a file"),
            ("sqlite://:memory:", "URL"),
        ] {
            let problems = check(url);
            let whole = problems.join("\n");
            assert!(whole.contains("HOIST_DATABASE_URL") && whole.contains(told), "{url}: {problems:?}");
        }
        let several = check("postgres://db:5432/hoist?sslmode=verify-fulll&bogus=1&port=0");
        assert_eq!(several.len(), 3, "{several:?}");
    }

    #[test]
    fn certificates_that_the_driver_would_not_ask_for_are_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &servers::Certificate::of("db").authority).unwrap();
        let url = |mode: &str| format!("postgres://db/hoist?{mode}sslrootcert={}", file.path().display());
        assert_eq!(check(&url("sslmode=verify-ca&")), [""; 0]);
        for mode in ["", "sslmode=require&"] {
            assert!(check(&url(mode))[0].contains("only counts with sslmode=verify-ca"), "{mode}");
        }
        std::fs::write(file.path(), "").unwrap();
        assert!(check(&url("sslmode=verify-full&"))[0].contains("there is none in the text"));
    }
}
