//! What the server shows people by itself, without the dashboard: a failure, and the API's reference. Both look like the
//! dashboard.

use actix_web::body::{BoxBody, MessageBody, to_bytes_limited};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::headers;

/// No problem is longer.
const MAX_PROBLEM: usize = 64 * 1024;

/// What of a problem is shown.
#[derive(Debug, Default, Deserialize)]
struct Shown {
    title: String,
    status: u16,
    detail: String,
}

impl Shown {
    /// The page; what anyone may have written stays text.
    fn page(&self) -> String {
        let page = include_str!("failure.html").replace("{status}", &self.status.to_string());
        page.replace("{title}", &escape(&self.title)).replace("{detail}", &escape(&self.detail))
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

/// Shows a problem as a page to whoever opened an address in a browser; programs get it as it is.
pub(crate) async fn show_failures<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let opened = is_opened(request.request());
    let response = next.call(request).await?.map_into_boxed_body();
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !opened || kind.is_none_or(|kind| kind != "application/problem+json") {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let text = to_bytes_limited(body, MAX_PROBLEM).await.ok().and_then(Result::ok).unwrap_or_default();
    let shown: Shown = serde_json::from_slice(&text).unwrap_or_default();
    let mut page = headers::page(&shown.page());
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

/// Adds the reference's page and its look; its scripts come from elsewhere.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.route("/docs/", web::get().to(get_reference)).route("/docs/look.css", web::get().to(get_look));
}

async fn get_reference() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(include_str!("reference.html"))
}

async fn get_look() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("reference.css"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anyone_may_write_stays_text() {
        let shown = Shown {
            title: "Not found".to_owned(),
            status: 404,
            detail: "<b onclick='x'>{nonce}&".to_owned(),
        };
        let page = shown.page();
        assert!(page.contains("&lt;b onclick=&#39;x&#39;&gt;&#123;nonce}&amp;"), "{page}");
        assert!(page.contains("404") && page.contains("Not found") && !page.contains("{title}"), "{page}");
    }
}
