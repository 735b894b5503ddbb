//! What the server shows people by itself, without the dashboard: a failure, which looks like the dashboard.

use actix_web::HttpRequest;
use actix_web::body::{BoxBody, MessageBody, to_bytes_limited};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use serde::Deserialize;

use crate::headers;
use crate::ofrep::client_api::SCOPE;

/// No problem is longer.
const MAX_PROBLEM: usize = 64 * 1024;

/// What of a problem is shown, or of a failure over OFREP.
#[derive(Debug, Default, Deserialize)]
struct Shown {
    title: Option<String>,
    #[serde(alias = "errorDetails")]
    detail: String,
}

impl Shown {
    /// The page; what anyone may have written stays text.
    fn page(&self, status: StatusCode) -> String {
        let title = self.title.as_deref().unwrap_or_else(|| title(status));
        let page = include_str!("failure.html").replace("{status}", status.as_str());
        page.replace("{title}", &escape(title)).replace("{detail}", &escape(&self.detail))
    }
}

/// The words for a failure over OFREP, whose form has none for its kind.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Who are you?",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::METHOD_NOT_ALLOWED => "Not with this method",
        StatusCode::TOO_MANY_REQUESTS => "Too often",
        _ => "Not available right now",
    }
}

fn escape(text: &str) -> String {
    let escaped = |it: char| match it {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        '{' => "&#123;".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// Shows a problem, or a failure over OFREP, as a page to whoever opened an address in a browser; programs get it as it is.
pub(crate) async fn show_failures<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let opened = is_opened(request.request());
    let remote = request.path().starts_with(SCOPE);
    let response = next.call(request).await?.map_into_boxed_body();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let failed = match kind.and_then(|kind| kind.to_str().ok()) {
        Some("application/problem+json") => true,
        Some("application/json") => remote && !response.status().is_success(),
        _ => false,
    };
    if !opened || !failed {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let text = to_bytes_limited(body, MAX_PROBLEM).await.ok().and_then(Result::ok).unwrap_or_default();
    let shown: Shown = serde_json::from_slice(&text).unwrap_or_default();
    let mut page = headers::page(&shown.page(head.status()));
    *page.status_mut() = head.status();
    let kept = [header::ALLOW, header::RETRY_AFTER, header::WWW_AUTHENTICATE];
    for name in kept {
        if let Some(value) = head.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    Ok(ServiceResponse::new(request, page))
}

fn is_opened(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    request.method() == Method::GET && accept.is_some_and(|accept| accept.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anyone_may_write_stays_text() {
        let shown = Shown { title: None, detail: "<b onclick='x'>{nonce}&".to_owned() };
        let page = shown.page(StatusCode::NOT_FOUND);
        assert!(page.contains("&lt;b onclick=&#39;x&#39;&gt;&#123;nonce}&amp;"), "{page}");
        assert!(page.contains("404") && page.contains("Not found") && !page.contains("{title}"), "{page}");
    }
}
