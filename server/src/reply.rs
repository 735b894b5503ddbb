//! A successful answer, kept as data so that a repeated request can be given the very same one.

use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

/// Status, entity tag, location and JSON body of an answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: StatusCode,
    /// The version of what is answered, quoted in `ETag`.
    pub version: Option<u64>,
    /// Where a created thing is found.
    pub location: Option<String>,
    /// The JSON text; empty for no content.
    pub body: String,
    /// What a repeated request is answered instead, where the body holds a secret that is shown once.
    pub kept: Option<String>,
}

impl Reply {
    /// 200 with `body`.
    pub fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 201 with `body`, found at `location`.
    pub fn created(location: String, body: &impl Serialize) -> Self {
        Self { location: Some(location), ..Self::json(StatusCode::CREATED, body) }
    }

    /// 202 with `body`.
    pub fn accepted(body: &impl Serialize) -> Self {
        Self::json(StatusCode::ACCEPTED, body)
    }

    /// 204.
    pub fn no_content() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            version: None,
            location: None,
            body: String::new(),
            kept: None,
        }
    }

    /// Says what a repeated request is answered: this, and not the body with its secret.
    #[must_use]
    pub fn kept_as(self, body: &impl Serialize) -> Self {
        Self { kept: Some(serde_json::to_string(body).unwrap_or_default()), ..self }
    }

    /// Adds the entity tag.
    #[must_use]
    pub fn version(self, version: u64) -> Self {
        Self { version: Some(version), ..self }
    }

    fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // Our own types always serialise; were one not to, the empty body would fail every test of it.
        let body = serde_json::to_string(body).unwrap_or_default();
        Self { status, version: None, location: None, body, kept: None }
    }

    /// Builds the HTTP response.
    pub fn as_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(version) = self.version {
            response.insert_header((header::ETAG, format!("\"{version}\"")));
        }
        if let Some(location) = &self.location {
            response.insert_header((header::LOCATION, location.clone()));
        }
        if self.body.is_empty() {
            return response.finish();
        }
        response.content_type("application/json").body(self.body.clone())
    }
}

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.as_response()
    }
}
