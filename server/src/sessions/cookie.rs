//! The cookie that holds a session's text.

use super::LONGEST;

/// Its name where people come over https: browsers take it from this very host over https only.
const SECURE: &str = "__Host-hoist_session";
/// Its name elsewhere.
const PLAIN: &str = "hoist_session";

/// Reads the session's text out of a request's `Cookie` headers. Where people come over https, only the cookie that
/// nobody else can set counts.
pub(crate) fn read<'a>(headers: impl Iterator<Item = &'a str>, https: bool) -> Option<&'a str> {
    let pairs: Vec<(&str, &str)> =
        headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('=')).collect();
    let find = |wanted| pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    find(SECURE).or_else(|| if https { None } else { find(PLAIN) })
}

/// The `Set-Cookie` that begins a session.
pub(crate) fn begin(text: &str, https: bool) -> String {
    let (name, secure) = if https { (SECURE, "; Secure") } else { (PLAIN, "") };
    format!("{name}={text}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", LONGEST.as_secs())
}

/// The `Set-Cookie`s that end it, under either name.
pub(crate) fn end() -> [String; 2] {
    let gone = |name, secure| format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}");
    [gone(PLAIN, ""), gone(SECURE, "; Secure")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, https: bool, expected: Option<&str>) {
        assert_eq!(read([header].into_iter(), https), expected, "{header}");
    }

    #[test]
    fn the_cookie_that_nobody_else_can_set_goes_first() {
        check("a=b; hoist_session=x; c=d", false, Some("x"));
        check("hoist_session=x;__Host-hoist_session=y", false, Some("y"));
        check("hoist_session=x", true, None);
        check("__Host-hoist_session=y", true, Some("y"));
        check("my_hoist_session=x; hoist_session", false, None);
        assert_eq!(read(["a=b", "hoist_session=x"].into_iter(), false), Some("x"));
    }

    #[test]
    fn over_https_it_is_secure_and_bound_to_the_host() {
        assert_eq!(
            begin("x", true),
            "__Host-hoist_session=x; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(begin("x", false), "hoist_session=x; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax");
    }
}
