//! The address of Redis, and who vouches for it: checked by the link's own code, which makes a client of them.

use super::{Reader, certificates};
use crate::fanout;

impl Reader {
    /// The address, and the certificates in the file that is named.
    pub(super) fn cache(&mut self) -> (Option<String>, Option<Vec<u8>>) {
        let ca = self.checked("HOIST_REDIS_CA", |path| {
            certificates::read(path).map_err(|why| vec![format!("is `{path}`, which {why}")])
        });
        if self.text("HOIST_REDIS_CA").is_some() && self.text("HOIST_REDIS_URL").is_none() {
            self.problems.push("HOIST_REDIS_CA is set without HOIST_REDIS_URL".to_owned());
        }
        let url = self.checked("HOIST_REDIS_URL", |text| {
            let known = ["redis://", "rediss://"].iter().any(|scheme| text.starts_with(scheme));
            if !known {
                return Err(vec!["is not right; it must start with redis:// or rediss://".to_owned()]);
            }
            if ca.is_some() && text.starts_with("redis://") {
                return Err(vec!["starts with redis://, where HOIST_REDIS_CA vouches for nobody".to_owned()]);
            }
            let made = fanout::client(text, ca.clone());
            // What else it would say names what it read.
            made.map(|_| text.to_owned()).map_err(|error| vec![format!("is not right: {}", brief(&error))])
        });
        (url, ca)
    }
}

/// What is wrong, without what it was found in, which may be a password.
fn brief(error: &redis::RedisError) -> String {
    let told = error.to_string();
    told.split_once(" - ").map_or(told.as_str(), |(what, _)| what).to_owned()
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    fn check(variables: &[(&str, &str)]) -> String {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let told = Settings::from_env(variables).err().map(|problems| problems.0.join("\n"));
        let told = told.unwrap_or_default();
        assert!(!told.contains("secret"), "a password is shown: {told}");
        told
    }

    #[test]
    fn an_address_of_redis_is_one_that_a_client_can_be_made_of() {
        for url in ["redis://127.0.0.1:6379", "rediss://user:secret@redis.internal:6380/2"] {
            assert_eq!(check(&[("HOIST_REDIS_URL", url)]), "", "{url}");
        }
        for url in [
            "http://127.0.0.1:6379",
            "redis://",
            "redis://:secret@x:99999",
            "rediss://:secret@x/secret",
            "rediss://x/#insecure",
            "redis://:se%FFcret@x",
        ] {
            assert!(check(&[("HOIST_REDIS_URL", url)]).contains("HOIST_REDIS_URL"), "{url}");
        }
    }

    #[test]
    fn a_file_of_certificates_holds_one_at_least_and_is_for_somebody() {
        let url = ("HOIST_REDIS_URL", "rediss://redis.internal");
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        for (text, told) in [
            ("", "there is none in the text"),
            ("-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n", "can be used (PEM)"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "can be used (PEM)"),
        ] {
            std::fs::write(path, text).unwrap();
            let problem = check(&[url, ("HOIST_REDIS_CA", path)]);
            assert!(problem.contains(path) && problem.contains(told), "{problem}");
        }
        let none = check(&[url, ("HOIST_REDIS_CA", "/nonexist.pem")]);
        assert!(none.contains("/nonexist.pem") && none.contains("No such file"), "{none}");
        std::fs::write(path, &servers::Certificate::of("redis.internal").authority).unwrap();
        assert_eq!(check(&[url, ("HOIST_REDIS_CA", path)]), "");
        assert!(check(&[("HOIST_REDIS_CA", path)]).contains("without HOIST_REDIS_URL"));
        let plain = check(&[("HOIST_REDIS_URL", "redis://x"), ("HOIST_REDIS_CA", path)]);
        assert!(plain.contains("vouches for nobody"), "{plain}");
    }
}
