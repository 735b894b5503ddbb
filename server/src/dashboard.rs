//! The dashboard: a page built out of `dashboard/`, served out of the binary.
//!
//! The page itself is never kept by a browser, since every answer names its styles by a new nonce; its assets carry
//! their content's hash in their name and are kept for ever. Whatever a person may open by an address of their own
//! (`/projects/default/flags`) is the page, too: it reads the address itself.

use actix_web::http::Method;
use actix_web::http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header};
use actix_web::{HttpRequest, HttpResponse, ResponseError, get, web};

use crate::error::Error;
use crate::headers;

/// A file of the built page.
struct Asset {
    name: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

mod built {
    use super::Asset;

    include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));
}

/// What never is the page, whoever asks.
const MACHINES: [&str; 5] = ["/api/", "/sdk/", "/ofrep/", "/assets/", "/docs/"];

/// The page, or one that says how to build it.
pub(crate) fn page() -> HttpResponse {
    headers::page(built::INDEX.unwrap_or(include_str!("welcome.html")))
}

/// The front page.
#[get("/")]
pub(crate) async fn get_page() -> HttpResponse {
    page()
}

/// The API's reference, which is a page of the dashboard that needs nobody signed in.
#[get("/docs")]
pub(crate) async fn get_reference() -> HttpResponse {
    page()
}

/// Where the reference was once.
#[get("/docs/")]
pub(crate) async fn redirect_to_reference() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs")).finish()
}

/// A script, a style or a picture of the page.
#[get("/assets/{name}")]
pub(crate) async fn get_asset(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let Some(asset) = built::ASSETS.iter().find(|asset| asset.name == *name) else {
        return Error::NotFound(format!("there is nothing at {}", request.path())).error_response();
    };
    let (body, encoding) = asset.encoded(&request);
    let mut answer = HttpResponse::Ok();
    answer
        .content_type(asset.content_type())
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::VARY, "accept-encoding"));
    if let Some(encoding) = encoding {
        answer.insert_header(encoding);
    }
    answer.body(body)
}

/// Whether a browser opens an address that the page reads itself.
pub(crate) fn is_address(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    [Method::GET, Method::HEAD].contains(request.method())
        && accept.is_some_and(|accept| accept.contains("text/html"))
        && !MACHINES.iter().any(|scope| request.path().starts_with(scope))
}

impl Asset {
    fn content_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }

    /// The smallest form that the browser reads.
    fn encoded(&self, request: &HttpRequest) -> (&'static [u8], Option<ContentEncoding>) {
        let accepted = AcceptEncoding::parse(request).ok();
        let reads = |encoding: Encoding| {
            accepted
                .as_ref()
                .is_some_and(|accepted| accepted.negotiate([encoding.clone()].iter()) == Some(encoding))
        };
        match (self.brotli, self.gzip) {
            (Some(brotli), _) if reads(Encoding::brotli()) => (brotli, Some(ContentEncoding::Brotli)),
            (_, Some(gzip)) if reads(Encoding::gzip()) => (gzip, Some(ContentEncoding::Gzip)),
            _ => (self.plain, None),
        }
    }
}
