//! Reading a request's body: bounded, strict about every key, and exact about where it is wrong.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use sha2::{Digest, Sha256};

use crate::error::{Error, Fault, Result};

/// The largest body of an ordinary request, in bytes.
pub const MAX_BODY: usize = 2 * 1024 * 1024;
/// The largest body of an import, in bytes.
pub const MAX_IMPORT: usize = 64 * 1024 * 1024;

/// How long a client may take to send a body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// SHA-256 of the body, left in the request for the idempotency fingerprint.
#[derive(Clone, Debug)]
pub(crate) struct Fingerprint(pub(crate) String);

/// A JSON body of type `T`: unknown fields, duplicate keys and wrong types are refused by name.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A body of so many bytes is read beside the workers, each of which answers many others meanwhile.
const LARGE: usize = 128 * 1024;

impl<T: DeserializeOwned + Send + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let text = Text::from_request(request, payload);
        Box::pin(async move {
            let text = text.await?.0;
            if text.len() < LARGE {
                return Ok(Self(parse(&text, &[])?.0));
            }
            let read = web::block(move || parse(&text, &[])).await;
            Ok(Self(read.map_err(|error| Error::Internal(error.to_string()))??.0))
        })
    }
}

/// A body's bytes, of at most [`MAX_BODY`], or [`MAX_IMPORT`] under `/import`.
#[derive(Debug)]
pub struct Text(pub Bytes);

impl FromRequest for Text {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            expect_json(&request)?;
            let limit = if request.match_pattern().is_some_and(|route| route.ends_with("/{project}/import")) {
                MAX_IMPORT
            } else {
                MAX_BODY
            };
            let slow = |_| {
                Error::Malformed(
                    format!("the body took longer than {} s", BODY_TIMEOUT.as_secs()),
                    Vec::new(),
                )
            };
            let bytes = tokio::time::timeout(BODY_TIMEOUT, read(payload, limit)).await.map_err(slow)??;
            let digest = Sha256::digest(&bytes);
            request.extensions_mut().insert(Fingerprint(crate::audit::hex(&digest)));
            Ok(Self(bytes))
        })
    }
}

fn expect_json(request: &HttpRequest) -> Result<()> {
    let Some(kind) = request.headers().get(header::CONTENT_TYPE) else { return Ok(()) };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Error::Unsupported(format!("the body is `{kind}`; send application/json")))
}

pub(crate) async fn read(mut payload: Payload, limit: usize) -> Result<Bytes> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|error| Error::Malformed(format!("the body broke off: {error}"), Vec::new()))?;
        if bytes.len() + chunk.len() > limit {
            return Err(Error::TooLarge(format!("the body is larger than {limit} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// Reads `T` out of JSON text. Top-level fields named in `known` that `T` passes over are let through and their names
/// returned, with all that lies below them; every other field that `T` passes over is a fault.
pub fn parse<T: DeserializeOwned>(text: &[u8], known: &[&str]) -> Result<(T, Vec<String>)> {
    check_text(text)?;
    // serde would read the fields of a struct from a list, too.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(Error::invalid("", "the body must be an object"));
    }
    let mut unknown = Vec::new();
    let mut sent_back = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_slice(text);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let read = serde_ignored::deserialize::<_, _, T>(tracked, |path| {
        let pointer = ignored_pointer(&path);
        let field = pointer.split('/').nth(1).unwrap_or_default();
        match known.iter().find(|name| **name == field) {
            Some(name) => sent_back.push((*name).to_owned()),
            None => unknown.push(Fault::new(pointer, "there is no such field")),
        }
    });
    match read {
        Ok(value) if unknown.is_empty() => Ok((value, sent_back)),
        Ok(_) => Err(Error::Invalid(unknown)),
        Err(error) => {
            unknown.push(Fault::new(pointer(&track.path()), without_position(&error.to_string())));
            Err(Error::Invalid(unknown))
        }
    }
}

/// The position in the text says less than the pointer beside it.
fn without_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{}", escape(key)),
        Segment::Enum { variant } => format!("{pointer}/{}", escape(variant)),
        Segment::Unknown => pointer,
    })
}

fn ignored_pointer(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}/{index}", ignored_pointer(parent)),
        Path::Map { parent, key } => format!("{}/{}", ignored_pointer(parent), escape(key)),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            ignored_pointer(parent)
        }
    }
}

/// Refuses text that is not JSON, objects that name a key twice, of which serde would quietly keep the last, and texts
/// that not every database keeps.
fn check_text(text: &[u8]) -> Result<()> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let mut faults = Vec::new();
    let scan = Scan { pointer: String::new(), faults: &mut faults };
    let read = scan.deserialize(&mut json).and_then(|()| json.end());
    if let Err(error) = read {
        return Err(Error::Malformed(format!("the body is not JSON: {error}"), faults));
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::Malformed("the body cannot be taken as it is".to_owned(), faults))
}

/// What no text may hold: PostgreSQL keeps all of Unicode but this.
pub(crate) const NUL: char = '\0';

struct Scan<'a> {
    pointer: String,
    faults: &'a mut Vec<Fault>,
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if text.contains(NUL) {
            self.faults.push(Fault::new(self.pointer, "a text holds no U+0000"));
        }
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        loop {
            let pointer = format!("{}/{index}", self.pointer);
            if items.next_element_seed(Scan { pointer, faults: &mut *self.faults })?.is_none() {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            let pointer = format!("{}/{}", self.pointer, escape(&key));
            if key.contains(NUL) {
                self.faults.push(Fault::new(pointer.clone(), "a key holds no U+0000"));
            }
            if !seen.insert(key) {
                self.faults.push(Fault::new(pointer.clone(), "this key stands twice"));
            }
            entries.next_value_seed(Scan { pointer, faults: &mut *self.faults })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hoist_evaluation::Settings;

    use super::*;

    fn check(text: &str) -> Vec<String> {
        match parse::<Settings>(text.as_bytes(), &["version"]) {
            Ok(_) => Vec::new(),
            Err(Error::Malformed(_, faults)) if faults.is_empty() => vec!["malformed".to_owned()],
            Err(Error::Malformed(_, faults) | Error::Invalid(faults)) => {
                faults.into_iter().map(|fault| fault.pointer).collect()
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_good_body_is_read_and_read_only_fields_may_come_back() {
        let text = r#"{"enabled":true,"default":{"serve":"on"},"off_variant":"off","version":3}"#;
        assert_eq!(check(text), Vec::<String>::new());
        assert_eq!(parse::<Settings>(text.as_bytes(), &["version"]).unwrap().1, ["version"]);
    }

    #[test]
    fn every_fault_has_its_place() {
        assert_eq!(check(r#"{"enabled":"#), ["malformed"]);
        assert_eq!(check(r#"{"enabled":true} x"#), ["malformed"]);
        assert_eq!(
            check(r#"{"enabled":true,"default":{"serve":"on","serve":"off"},"off_variant":"off"}"#),
            ["/default/serve"]
        );
        assert_eq!(
            check(r#"{"enabled":true,"default":{"serve":"o\u0000n"},"off_variant":"off","\u0000":1}"#),
            ["/default/serve", "/\0"]
        );
        assert_eq!(check(r#"{"enabled":1,"default":{"serve":"on"},"off_variant":"off"}"#), ["/enabled"]);
        assert_eq!(
            check(r#"{"enabled":true,"default":{"serve":"on","colour":1},"off_variant":"off","extra":{}}"#),
            ["/default/colour", "/extra"]
        );
        assert_eq!(
            check(
                r#"{"enabled":true,"rules":[{"serve":"on","conditions":[{"attribute":"a","operator":"is","values":[]}]}],"default":{"serve":"on"},"off_variant":"off"}"#
            ),
            ["/rules/0/conditions/0/operator"]
        );
    }
}
