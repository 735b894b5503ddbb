//! How a failure is told over OFREP: always JSON, always with a code and details.

use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use hoist_evaluation::{ErrorCode, Reason};
use utoipa::IntoResponses;

use super::Failure;
use crate::error::Error;

/// How much of a key that cannot be one is told back, in characters.
const MAX_KEY: usize = 200;

/// A failure with its HTTP status, and for how many seconds the client should wait.
#[derive(Debug)]
pub(crate) struct Failed {
    status: StatusCode,
    failure: Failure,
    retry_after: Option<u64>,
    /// The methods that are possible.
    allowed: Vec<String>,
}

impl Failed {
    fn new(status: StatusCode, failure: Failure) -> Self {
        Self { status, failure, retry_after: None, allowed: Vec::new() }
    }

    /// The request cannot be read or makes no sense.
    pub(crate) fn request(code: ErrorCode, details: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Failure::new(code, details))
    }

    /// One flag has no answer.
    pub(crate) fn flag(failure: Failure) -> Self {
        let status = match failure.error_code {
            ErrorCode::FlagNotFound => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, failure)
    }

    /// The same, told of a flag if one was asked for: the JavaScript client takes it for no failure without the key.
    pub(crate) fn about(mut self, flag: Option<String>) -> Self {
        self.failure.key = flag;
        self
    }

    /// The token has asked too much.
    pub(crate) fn too_many(wait: std::time::Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let failure = Failure::new(ErrorCode::General, "this token has asked too many questions this second");
        Self { retry_after: Some(seconds.max(1)), ..Self::new(StatusCode::TOO_MANY_REQUESTS, failure) }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        if let Error::Internal(source) = &error {
            tracing::error!(source, "an evaluation failed for a reason of ours");
        }
        let status = error.status_code();
        let retry_after = error.retry_after();
        let failure = Failure::new(ErrorCode::General, error.problem().detail);
        Self { retry_after, ..Self::new(status, failure) }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.failure.error_details)
    }
}

impl ResponseError for Failed {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            // Whole seconds: clients take a date for something else.
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if !self.allowed.is_empty() {
            response.insert_header((header::ALLOW, self.allowed.join(", ")));
        }
        response.json(&self.failure)
    }
}

/// What is answered where there is no route: clients send odd keys as they are, and no flag has one.
pub(crate) fn nowhere(request: &HttpRequest, allowed: Vec<String>) -> Failed {
    if !allowed.is_empty() {
        let details = format!("{} is not possible here; {} is", request.method(), allowed.join(", "));
        let failure = Failure::new(ErrorCode::General, details);
        return Failed { allowed, ..Failed::new(StatusCode::METHOD_NOT_ALLOWED, failure) };
    }
    let Some(key) = request.path().strip_prefix("/ofrep/v1/evaluate/flags/") else {
        let details = format!("there is nothing at {}", request.path());
        return Failed::new(StatusCode::NOT_FOUND, Failure::new(ErrorCode::General, details));
    };
    let key: String =
        percent_encoding::percent_decode_str(key).decode_utf8_lossy().chars().take(MAX_KEY).collect();
    Failed::new(StatusCode::NOT_FOUND, Failure::of_flag(key, Reason::Error(ErrorCode::FlagNotFound)))
}

/// The failures of every route.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers in the OpenAPI document")]
pub(crate) enum Failures {
    /// The request cannot be read or makes no sense.
    #[response(status = 400, content_type = "application/json")]
    BadRequest(Failure),
    /// There is no token, or none that is good.
    #[response(status = 401, content_type = "application/json")]
    Unauthenticated(Failure),
    /// The token is of another kind.
    #[response(status = 403, content_type = "application/json")]
    Forbidden(Failure),
    /// There is no such flag.
    #[response(status = 404, content_type = "application/json")]
    NotFound(Failure),
    /// The request is too large.
    #[response(status = 413, content_type = "application/json")]
    TooLarge(Failure),
    /// The token has asked too much; `Retry-After` says in seconds when to come back.
    #[response(status = 429, content_type = "application/json")]
    TooMany(Failure),
    /// Something the server needs is away.
    #[response(status = 503, content_type = "application/json")]
    Unavailable(Failure),
}
