//! From where a browser's request comes. A page elsewhere can make a browser send our cookie along; it cannot make it
//! lie in `Sec-Fetch-Site` or `Origin`.

/// What a request says of where it comes from.
#[derive(Debug)]
pub(crate) struct Whence<'a> {
    /// `Sec-Fetch-Site`, which browsers send over https and on loopback.
    pub(crate) fetch_site: Option<&'a str>,
    /// `Origin`, which browsers send with every write.
    pub(crate) origin: Option<&'a str>,
    /// `Host`.
    pub(crate) host: &'a str,
    /// The address at which people reach the server, if it was told.
    pub(crate) public_url: Option<&'a str>,
}

impl Whence<'_> {
    /// Lets in what comes from a page of this very server; else says why not.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match (self.fetch_site, self.origin) {
            (Some("same-origin"), _) => Ok(()),
            (Some(_), _) => Err("a page of another site may not do this with your session"),
            (None, Some(origin)) if self.is_own(origin) => Ok(()),
            (None, Some(_)) => Err("a page of another origin may not do this with your session"),
            (None, None) => Err("with a session, a write says where it comes from: send `Origin`"),
        }
    }

    /// Whether people come over https, by what the server was told, or else by what the browser says of its own page.
    /// Headers that anyone may send, such as `X-Forwarded-Proto`, are not asked.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.or(self.origin).is_some_and(|url| url.starts_with("https://"))
    }

    fn is_own(&self, origin: &str) -> bool {
        let host = origin.split_once("://").map(|(_, host)| host);
        match self.public_url {
            Some(url) => origin.eq_ignore_ascii_case(url),
            None => host.is_some_and(|host| !host.is_empty() && host.eq_ignore_ascii_case(self.host)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fetch_site: Option<&str>, origin: Option<&str>, public_url: Option<&str>) -> bool {
        Whence { fetch_site, origin, host: "localhost:8080", public_url }.check().is_ok()
    }

    #[test]
    fn only_a_page_of_this_server_is_let_in() {
        let public = Some("https://flags.example.com");
        assert!(check(Some("same-origin"), None, None));
        assert!(check(None, Some("http://localhost:8080"), None));
        assert!(check(None, public, public));
        for site in ["same-site", "cross-site", "none", ""] {
            assert!(!check(Some(site), Some("http://localhost:8080"), None), "{site}");
        }
        for origin in
            ["null", "", "http://", "http://localhost", "http://localhost:8081", "http://a.localhost:8080"]
        {
            assert!(!check(None, Some(origin), None), "{origin}");
        }
        assert!(!check(None, Some("http://localhost:8080"), public));
        assert!(!check(None, None, None));
    }

    #[test]
    fn https_is_what_the_server_was_told_or_the_browser_says() {
        let https =
            |origin, public_url| Whence { fetch_site: None, origin, host: "h", public_url }.is_https();
        assert!(https(None, Some("https://h")) && https(Some("https://h"), None));
        assert!(
            !https(Some("https://h"), Some("http://h"))
                && !https(Some("http://h"), None)
                && !https(None, None)
        );
    }
}
