//! Who a client says it is, in the headers of its requests.
//!
//! Nobody is refused a stream for what stands here: text that cannot be shown is made showable, and a client without an
//! identifier that can be read is simply no instance.

use percent_encoding::percent_decode;
use uuid::Uuid;

use super::MAX_NAME;
use crate::showable;

/// A client's identifier and what it says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// The running copy, named by itself at its start.
    pub instance: Uuid,
    /// What it says about itself.
    pub about: About,
}

/// What a client says about itself; nothing of it need be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The name for people, usually the host's.
    pub name: Option<String>,
    /// The application.
    pub app: Option<String>,
    /// Its version.
    pub app_version: Option<String>,
    /// The SDK and its version.
    pub sdk: Option<String>,
}

impl About {
    /// Takes over whatever `newer` says; whether that made a difference.
    pub(super) fn update(&mut self, newer: &Self) -> bool {
        let mut differs = false;
        let mut take = |old: &mut Option<String>, new: &Option<String>| {
            if new.is_some() && old != new {
                old.clone_from(new);
                differs = true;
            }
        };
        take(&mut self.name, &newer.name);
        take(&mut self.app, &newer.app);
        take(&mut self.app_version, &newer.app_version);
        take(&mut self.sdk, &newer.sdk);
        differs
    }
}

impl Introduction {
    /// Reads the headers; `header` gives one by its name in lower case.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a [u8]>) -> Option<Self> {
        let instance = Uuid::try_parse_ascii(header("hoist-instance")?).ok()?;
        let text = |name: &str| showable::name(&percent_decode(header(name)?).decode_utf8_lossy(), MAX_NAME);
        let about = About {
            name: text("hoist-instance-name"),
            app: text("hoist-app"),
            app_version: text("hoist-app-version"),
            sdk: text("user-agent"),
        };
        Some(Self { instance, about })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f2f2f8e-3f0a-4f57-9f5a-6a1d1f3b9f10";

    fn check(headers: &[(&str, &str)]) -> Option<Introduction> {
        Introduction::read(|name| {
            headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.as_bytes())
        })
    }

    #[test]
    fn a_client_without_an_identifier_is_no_instance() {
        assert_eq!(check(&[("hoist-app", "shop")]), None);
        assert_eq!(check(&[("hoist-instance", "worker-7")]), None);
        assert_eq!(check(&[("hoist-instance", ID)]).unwrap().about, About::default());
    }

    #[test]
    fn what_a_client_says_is_decoded_and_made_showable() {
        let long = "x".repeat(MAX_NAME + 1);
        let headers = [
            ("hoist-instance", ID),
            ("hoist-instance-name", "w%C3%B6rker%207"),
            ("hoist-app", "a%00b%1b[2J%ff%E2%80%AE%E2%81%A6"),
            ("hoist-app-version", long.as_str()),
            ("user-agent", " "),
        ];
        let Introduction { instance, about } = check(&headers).unwrap();
        assert_eq!(instance.to_string(), ID);
        assert_eq!(about.name.as_deref(), Some("wörker 7"));
        assert_eq!(about.app.as_deref(), Some("a\u{fffd}b\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}"));
        assert_eq!(about.app_version.map(|version| version.len()), Some(MAX_NAME));
        assert_eq!(about.sdk, None);
    }
}
