//! One running copy of an application, as its client introduces itself.

use std::fmt::Write;
use std::{env, fs};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The longest name of an instance, an application or a version, in bytes.
pub(crate) const NAME_LENGTH: usize = 128;

/// Who a client is.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    /// Made anew for each client.
    pub(crate) id: Uuid,
    /// For people.
    pub(crate) name: String,
    pub(crate) app: String,
    pub(crate) app_version: Option<String>,
}

impl Instance {
    /// The headers by which a server knows whose stream or poll it is.
    pub(crate) fn headers(&self) -> HeaderMap {
        let id = self.id.to_string();
        let all = [
            ("hoist-instance", Some(&id)),
            ("hoist-instance-name", Some(&self.name)),
            ("hoist-app", Some(&self.app)),
            ("hoist-app-version", self.app_version.as_ref()),
        ];
        let given = all.into_iter().filter_map(|(name, text)| {
            Some((HeaderName::from_static(name), HeaderValue::try_from(encode(text?)).ok()?))
        });
        given.collect()
    }
}

/// The name of an instance that was given none: the host's, as containers and machines tell it.
pub(crate) fn host_name() -> String {
    let told = env::var("HOSTNAME").ok().or_else(|| fs::read_to_string("/etc/hostname").ok());
    let name = told.unwrap_or_default();
    let name = name.trim();
    let name = &name[..name.floor_char_boundary(NAME_LENGTH)];
    if name.is_empty() { "unknown".to_owned() } else { name.to_owned() }
}

/// Percent-encodes what a header cannot hold as it is.
fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_graphic() && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_fit_into_headers() {
        let id = Uuid::new_v4();
        let (name, app) = ("wörker 7".to_owned(), "50%\u{7f}".to_owned());
        let headers = Instance { id, name, app, app_version: None }.headers();
        assert_eq!(headers["hoist-instance"], id.to_string());
        assert_eq!(headers["hoist-instance-name"], "w%C3%B6rker%207");
        assert_eq!(headers["hoist-app"], "50%25%7F");
        assert!(!headers.contains_key("hoist-app-version"));
    }

    #[test]
    fn an_instance_without_a_name_has_its_hosts() {
        let name = host_name();
        assert!((1..=NAME_LENGTH).contains(&name.len()), "{name}");
    }
}
