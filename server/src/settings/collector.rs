//! The settings of traces: where they are sent, and which.

use std::fmt;

use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::Reader;

/// What the service is called in traces when nobody says.
const SERVICE: &str = "hoist";
/// Which part of the requests is traced when nobody says: all, for the number of traces in a second is bounded.
const RATIO: f64 = 1.0;

/// Where traces are sent, and which.
#[derive(Clone, PartialEq)]
pub struct Collector {
    /// `HOIST_OTLP_ENDPOINT`: the collector's address for traces, already with `v1/traces` at its end.
    pub url: Url,
    /// `HOIST_OTLP_HEADERS`: what each message to it says in its head, such as a key.
    pub headers: HeaderMap,
    /// `HOIST_OTLP_SERVICE`: what this service is called there.
    pub service: String,
    /// `HOIST_TRACE_RATIO`: which part is traced of the requests whose caller has not decided, from 0 to 1.
    pub ratio: f64,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The headers are secrets.
        let mut shown = f.debug_struct("Collector");
        shown.field("url", &self.url.as_str()).field("headers", &self.headers.len());
        shown.field("service", &self.service).field("ratio", &self.ratio).finish()
    }
}

impl Reader {
    pub(super) fn collector(&mut self) -> Option<Collector> {
        let url = self.parsed(
            "HOIST_OTLP_ENDPOINT",
            "a URL such as http://127.0.0.1:4318, without user, password, query or v1/traces at its end",
            endpoint,
        );
        let headers =
            self.parsed("HOIST_OTLP_HEADERS", "such as name=value,other=value, percent-encoded", headers);
        let ratio = self.parsed("HOIST_TRACE_RATIO", "a number from 0 to 1", |text| {
            text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
        });
        let service = self.text("HOIST_OTLP_SERVICE").unwrap_or_else(|| SERVICE.to_owned());
        if headers.is_some() && self.text("HOIST_OTLP_ENDPOINT").is_none() {
            self.problems.push("HOIST_OTLP_HEADERS is set without HOIST_OTLP_ENDPOINT".to_owned());
        }
        let (headers, ratio) = (headers.unwrap_or_default(), ratio.unwrap_or(RATIO));
        Some(Collector { url: url?, headers, service, ratio })
    }
}

/// The address of a collector's traces, from the address of the collector.
fn endpoint(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    let plain = plain && url.query().is_none() && url.fragment().is_none();
    if !plain || !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return None;
    }
    // It would be asked for twice, and each collector would answer that there is nothing.
    if url.path().trim_end_matches('/').ends_with("/v1/traces") {
        return None;
    }
    url.path_segments_mut().ok()?.pop_if_empty().extend(["v1", "traces"]);
    Some(url)
}

/// Pairs with commas between, their values percent-encoded, as OpenTelemetry writes them.
fn headers(text: &str) -> Option<HeaderMap> {
    let header = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = value.trim();
        // The decoder leaves what it cannot read as it is.
        let encoded = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|it| it.is_ascii_hexdigit());
        if !value.split('%').skip(1).all(encoded) {
            return None;
        }
        let value = percent_decode_str(value).decode_utf8().ok()?;
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::try_from(name.trim()).ok()?, value))
    };
    text.split(',').map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn check(variables: &[(&str, &str)]) -> Result<Option<Collector>, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_env(variables).map(|it| it.collector).map_err(|problems| problems.to_string())
    }

    #[test]
    fn nothing_is_sent_unless_it_is_said_where() {
        assert_eq!(check(&[]), Ok(None));
        assert_eq!(check(&[("HOIST_TRACE_RATIO", "0.5"), ("HOIST_OTLP_SERVICE", "flags")]), Ok(None));
        assert!(check(&[("HOIST_OTLP_HEADERS", "a=b")]).unwrap_err().contains("HOIST_OTLP_ENDPOINT"));
    }

    #[test]
    fn the_path_of_traces_hangs_below_the_endpoint() {
        for (given, expected) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://otlp.example.com/tenant/", "https://otlp.example.com/tenant/v1/traces"),
        ] {
            let found = check(&[("HOIST_OTLP_ENDPOINT", given)]).unwrap().unwrap();
            assert_eq!((found.url.as_str(), found.ratio, found.service.as_str()), (expected, RATIO, SERVICE));
        }
        for given in [
            "127.0.0.1:4318",
            "grpc://h",
            "http://",
            "http://a:secret@h",
            "http://h?a=b",
            "http://h/v1/traces/",
        ] {
            let refused = check(&[("HOIST_OTLP_ENDPOINT", given)]).unwrap_err();
            assert!(refused.contains("HOIST_OTLP_ENDPOINT") && !refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn a_header_is_read_as_opentelemetry_writes_it_and_never_shown() {
        let at = ("HOIST_OTLP_ENDPOINT", "http://h");
        let found = check(&[at, ("HOIST_OTLP_HEADERS", "authorization=Basic%20secret, x-tenant = a")]);
        let found = found.unwrap().unwrap();
        assert_eq!(found.headers["authorization"], "Basic secret");
        assert_eq!(found.headers["x-tenant"], "a");
        assert!(!format!("{found:?}").contains("secret"));
        for given in ["secret", "secret=a%0Ab", "a b=secret", "a=secret%ZZ", "a=secret%4", "a=%+1secret"] {
            let refused = check(&[at, ("HOIST_OTLP_HEADERS", given)]).unwrap_err();
            assert!(refused.contains("HOIST_OTLP_HEADERS") && !refused.contains("secret"), "{refused}");
        }
        for given in ["2", "-1", "half", "NaN"] {
            assert!(check(&[at, ("HOIST_TRACE_RATIO", given)]).unwrap_err().contains("HOIST_TRACE_RATIO"));
        }
    }
}
