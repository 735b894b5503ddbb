//! Everything that can go wrong in a request, and how it is told: `application/problem+json` (RFC 9457).

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::reply::Reply;

/// The result of anything that answers a request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One place in a body and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the body; empty for the body as a whole.
    pub pointer: String,
    /// What is wrong, in a sentence.
    pub detail: String,
}

impl Fault {
    /// Names a place and what is wrong with it.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// Why a request is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are not what they claim to be: not JSON, a key twice, a bad query.
    #[error("{0}")]
    Malformed(String, Vec<Fault>),
    /// No token, or one that is not known, revoked or expired.
    #[error("{0}")]
    Unauthenticated(String),
    /// A token of another kind, role or scope.
    #[error("{0}")]
    Forbidden(String),
    /// Nothing of that name.
    #[error("{0}")]
    NotFound(String),
    /// The path is there, but not for this method.
    #[error("{method} is not possible here; {} is", allowed.join(", "))]
    WrongMethod {
        /// The method that was tried.
        method: String,
        /// Those that are possible.
        allowed: Vec<String>,
    },
    /// The state of things does not allow it.
    #[error("{0}")]
    Conflict(String, Vec<Fault>),
    /// Somebody else has written since the caller read; the current version is told.
    #[error("{detail}")]
    Outdated {
        /// What to do about it.
        detail: String,
        /// The version that is current now, where the request is about one thing.
        current: Option<u64>,
        /// The places in the body that are outdated, where it is about several.
        faults: Vec<Fault>,
    },
    /// The body or a list in it is larger than its bound.
    #[error("{0}")]
    TooLarge(String),
    /// The body is not `application/json`.
    #[error("{0}")]
    Unsupported(String),
    /// The same was tried too often in a short time.
    #[error("{detail}; wait {} s", wait.as_secs().max(1))]
    TooMany {
        /// What was tried.
        detail: String,
        /// How long to wait.
        wait: Duration,
    },
    /// The body is well formed but says something that cannot be.
    #[error("the request is not valid")]
    Invalid(Vec<Fault>),
    /// The store cannot be had right now.
    #[error("{0}")]
    Unavailable(String),
    /// There are as many already as this server can bear; whoever is told so comes back, each at another time.
    #[error("{detail}")]
    Full {
        /// What there is no room for.
        detail: String,
        /// How long to wait, in whole seconds.
        wait_s: u64,
    },
    /// The store went silent after it was told to make a change real: it may be made or not.
    #[error(
        "the store went away before it said whether the change was made: it may or may not have been made; \
         repeat the request with the same Idempotency-Key to have it made once, or read before you repeat it"
    )]
    Undecided,
    /// A defect of ours; logged where the answer is made, never sent.
    #[error("internal error")]
    Internal(String),
    /// The request was carried out before under the same `Idempotency-Key`: this was the answer.
    #[error("answered before")]
    Replayed(Box<Reply>),
}

impl Error {
    /// A single fault in a body.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::new(pointer, detail)])
    }

    /// There is no room; the caller is told to come back after some of `within_s` seconds, drawn anew each time.
    pub(crate) fn full(detail: impl Into<String>, within_s: std::ops::RangeInclusive<u64>) -> Self {
        Self::Full { detail: detail.into(), wait_s: rand::random_range(within_s) }
    }

    /// For how many whole seconds the caller should stay away.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Unavailable(_) | Self::Undecided => Some(1),
            Self::Full { wait_s, .. } => Some(*wait_s),
            Self::TooMany { wait, .. } => Some(wait.as_secs().max(1)),
            _ => None,
        }
    }

    /// Nothing of that kind has that key.
    pub fn missing(what: &str, key: &str) -> Self {
        Self::NotFound(format!("there is no {what} `{key}`"))
    }

    /// Something of that kind has, or had, that key.
    pub fn taken(what: &str, key: &str) -> Self {
        let detail = format!("the {what} key `{key}` is or was in use and is never given out again");
        Self::Conflict(detail.clone(), vec![Fault::new("/key", detail)])
    }

    fn kind(&self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Self::Malformed(..) => ("malformed", "The request cannot be read", StatusCode::BAD_REQUEST),
            Self::Unauthenticated(_) => ("unauthenticated", "Who are you?", StatusCode::UNAUTHORIZED),
            Self::Forbidden(_) => ("forbidden", "Not allowed", StatusCode::FORBIDDEN),
            Self::NotFound(_) => ("not-found", "Not found", StatusCode::NOT_FOUND),
            Self::WrongMethod { .. } => {
                ("wrong-method", "Not with this method", StatusCode::METHOD_NOT_ALLOWED)
            }
            Self::Conflict(..) => ("conflict", "Not in this state", StatusCode::CONFLICT),
            Self::Outdated { .. } => {
                ("outdated", "Changed since you read it", StatusCode::PRECONDITION_FAILED)
            }
            Self::TooLarge(_) => ("too-large", "Too large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::Unsupported(_) => ("unsupported", "Not JSON", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::TooMany { .. } => ("too-many", "Too often", StatusCode::TOO_MANY_REQUESTS),
            Self::Invalid(_) => ("invalid", "The request is not valid", StatusCode::UNPROCESSABLE_ENTITY),
            Self::Unavailable(_) | Self::Full { .. } => {
                ("unavailable", "Not available right now", StatusCode::SERVICE_UNAVAILABLE)
            }
            Self::Undecided => ("undecided", "Perhaps made, perhaps not", StatusCode::SERVICE_UNAVAILABLE),
            Self::Internal(_) => ("internal", "Internal error", StatusCode::INTERNAL_SERVER_ERROR),
            Self::Replayed(reply) => ("replayed", "Answered before", reply.status),
        }
    }

    /// Describes the error as a problem document.
    pub fn problem(&self) -> Problem {
        let (name, title, status) = self.kind();
        let errors = match self {
            Self::Malformed(_, faults)
            | Self::Conflict(_, faults)
            | Self::Outdated { faults, .. }
            | Self::Invalid(faults) => faults.clone(),
            _ => Vec::new(),
        };
        let detail = match (self, errors.as_slice()) {
            (Self::Invalid(_), [one]) => one.detail.clone(),
            (Self::Invalid(_), many) => format!("{} places in the body need attention", many.len()),
            _ => self.to_string(),
        };
        let current_version = if let Self::Outdated { current, .. } = self { *current } else { None };
        Problem {
            kind: format!("https://hoist.dev/problems/{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            errors,
            current_version,
        }
    }
}

/// A problem document (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A stable name of the kind of problem, as a URI.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
    /// Each place in the body that needs attention.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<Fault>,
    /// For `outdated`: the version to read and start from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_version: Option<u64>,
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.kind().2
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Replayed(reply) = self {
            return reply.as_response();
        }
        if let Self::Internal(source) = self {
            tracing::error!(source, "a request failed for a reason of ours");
        }
        let mut response = HttpResponse::build(self.status_code());
        response.content_type("application/problem+json");
        if let Some(seconds) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        match self {
            Self::Unauthenticated(_) => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            Self::WrongMethod { allowed, .. } => {
                response.insert_header((header::ALLOW, allowed.join(", ")));
            }
            Self::Outdated { current: Some(current), .. } => {
                response.insert_header((header::ETAG, format!("\"{current}\"")));
            }
            _ => {}
        }
        response.body(serde_json::to_string(&self.problem()).unwrap_or_default())
    }
}

/// What any request under `/api/v1` and `/sdk/v1` may answer instead of what was asked.
#[derive(IntoResponses)]
pub enum ReadProblems {
    /// The request cannot be read.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// The token is missing, unknown, revoked or expired.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// The token is of another kind, role or scope.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// Nothing of that name.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// The store cannot be reached, or there is no room; try again after `Retry-After` seconds. A write was not made, unless the problem is
    /// `undecided`: then it may have been, and the same `Idempotency-Key` has it made once.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// What a write may answer besides [`ReadProblems`].
#[derive(IntoResponses)]
pub enum WriteProblems {
    /// The state of things does not allow it.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// Changed since it was read.
    #[response(status = 412, content_type = "application/problem+json")]
    Outdated(Problem),
    /// The body is larger than its bound.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body is not JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    Unsupported(Problem),
    /// The body says something that cannot be; every place is listed.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
}
