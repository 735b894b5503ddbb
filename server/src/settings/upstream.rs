//! The settings of an edge: whom it follows, and by which keys.

use std::fmt;

use hoist::relay::Relay;

use super::{DEVELOPMENT_SDK_KEY, Mode, Reader, WELL_KNOWN};
use crate::upstream::ANSWER;

/// The server that an edge follows.
#[derive(Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Its address.
    pub url: String,
    /// An SDK key for each environment that is followed from the start.
    pub keys: Vec<String>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The keys are secrets.
        f.debug_struct("Upstream").field("url", &self.url).field("keys", &self.keys.len()).finish()
    }
}

impl Reader {
    pub(super) fn upstream(&mut self, mode: Mode) -> Option<Upstream> {
        let keys = self.text("HOIST_UPSTREAM_KEYS");
        if self.text("HOIST_UPSTREAM_URL").is_none() {
            if keys.is_some() {
                self.problems.push("HOIST_UPSTREAM_KEYS is set without HOIST_UPSTREAM_URL".to_owned());
            }
            return None;
        }
        let url = self.checked("HOIST_UPSTREAM_URL", |text| {
            let relay = Relay::new(text, DEVELOPMENT_SDK_KEY, ANSWER);
            relay.map(|_| text.to_owned()).map_err(|error| vec![format!("is not right: {error}")])
        });
        for name in ["HOIST_DATABASE_URL", "HOIST_REDIS_URL", "HOIST_ADMIN_TOKEN", "HOIST_MIGRATE"] {
            if self.text(name).is_some() {
                self.problems.push(format!("{name} is set, and so is HOIST_UPSTREAM_URL: an edge has none"));
            }
        }
        let split = |keys: String| keys.split(',').map(|key| key.trim().to_owned()).collect::<Vec<_>>();
        let keys = match (keys, mode) {
            (Some(keys), _) => split(keys),
            (None, Mode::Development) => vec![DEVELOPMENT_SDK_KEY.to_owned()],
            (None, Mode::Production) => {
                let detail =
                    "HOIST_UPSTREAM_KEYS is not set; an edge follows one environment for each SDK key";
                self.problems.push(detail.to_owned());
                Vec::new()
            }
        };
        if keys.iter().any(|key| key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            self.problems
                .push("HOIST_UPSTREAM_KEYS is not a list of SDK keys with commas between".to_owned());
        }
        if mode == Mode::Production && keys.iter().any(|key| WELL_KNOWN.contains(&key.as_str())) {
            self.problems.push("HOIST_UPSTREAM_KEYS has a well-known development token".to_owned());
        }
        Some(Upstream { url: url?, keys })
    }
}
