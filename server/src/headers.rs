//! What every answer tells a browser not to do.
//!
//! Answers for SDKs and OFREP clients are left as they are: they are sent a million times a day. Only a refusal that a
//! person sees, who opened such an address in a browser, is a page like any other.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};

use crate::ofrep::client_api::SCOPE;
use crate::serving::Serving;
use crate::tokens;

/// For whatever is no page: nothing of it may run, and nothing may hold it.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];
/// Browsers that came over https come back over https only, for a year.
const HTTPS_ONLY: &str = "max-age=31536000";

/// Answers with a page of ours. Every `{nonce}` in it becomes the text by which a style of its own shows that it is; no
/// script may stand in it.
pub(crate) fn page(html: &str) -> HttpResponse {
    let nonce = tokens::random_text();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self'; \
         img-src 'self' data:; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'self'"
    );
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .body(html.replace("{nonce}", &nonce))
}

/// Adds the headers that an answer does not bring itself.
pub(crate) async fn guard<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let machine = is_machine(request.path());
    let https = request
        .app_data::<web::Data<Serving>>()
        .and_then(|serving| serving.settings.public_url.as_deref())
        .is_some_and(|url| url.starts_with("https://"));
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    if machine && !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        return Ok(response);
    }
    if https {
        complete(headers, header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    for (name, value) in ALWAYS {
        complete(headers, name, value);
    }
    complete(headers, header::CONTENT_SECURITY_POLICY, DATA_POLICY);
    // What an answer holds may be somebody's alone.
    complete(headers, header::CACHE_CONTROL, "no-store");
    Ok(response)
}

fn is_machine(path: &str) -> bool {
    ["/sdk/", SCOPE].iter().any(|scope| path.starts_with(scope))
}

fn complete(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
