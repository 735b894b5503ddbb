//! `If-Match`: write only if nobody else has written since.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use utoipa::IntoParams;

use crate::error::{Error, Result};

/// The version that the caller has read, if it named one.
#[derive(Clone, Copy, Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatch {
    /// The `ETag` that was read, such as `"3"`; an outdated one answers 412.
    #[param(rename = "If-Match", value_type = Option<String>, pattern = "^(W/)?\"[0-9]{1,19}\"$|^\\*$", required = false)]
    version: Option<u64>,
}

impl IfMatch {
    /// Refuses if the caller has read another version than `current`.
    pub fn check(self, current: u64) -> Result<()> {
        match self.version {
            Some(read) if read != current => Err(outdated(read, current)),
            _ => Ok(()),
        }
    }
}

/// Tells a caller that has read one version that another is current.
pub(crate) fn outdated(read: u64, current: u64) -> Error {
    let detail =
        format!("you have read version {read}; version {current} is current: read it and decide again");
    Error::Outdated { detail, current: Some(current), faults: Vec::new() }
}

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(if_match(request))
    }
}

fn if_match(request: &HttpRequest) -> Result<IfMatch> {
    let Some(value) = request.headers().get(header::IF_MATCH) else { return Ok(IfMatch { version: None }) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(IfMatch { version: None });
    }
    let quoted = text.strip_prefix("W/").unwrap_or(text);
    let version =
        quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|tag| tag.parse().ok());
    if version.is_none() {
        return Err(Error::Malformed(
            "If-Match must be the ETag that was read, such as \"3\"".to_owned(),
            Vec::new(),
        ));
    }
    Ok(IfMatch { version })
}
