//! Reading what was typed: keys, addresses and times.

/// Takes a key as it was typed. What a key may look like is the server's to say; refused here is only what would
/// name another path.
pub(crate) fn key(text: &str) -> Result<String, String> {
    match text {
        "" => Err("a key cannot be empty".to_owned()),
        "." | ".." => Err("dots alone are no key".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// Takes the address of a server.
pub(crate) fn url(text: &str) -> Result<reqwest::Url, String> {
    let url = reqwest::Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err("an address begins with http:// or https://".to_owned()),
    }
}

/// Completes a date (`2026-11-23`) or a time without seconds (`2026-11-23T14:03`) to RFC 3339 in UTC; anything else
/// is left for the server to read.
pub(crate) fn time(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("a time cannot be empty".to_owned());
    }
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    Ok(match shape.as_str() {
        "9999-99-99" => format!("{text}T00:00:00Z"),
        "9999-99-99T99:99" | "9999-99-99 99:99" => format!("{}:00Z", text.replace(' ', "T")),
        "9999-99-99T99:99:99" | "9999-99-99 99:99:99" => format!("{}Z", text.replace(' ', "T")),
        _ => text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_without_a_time_begin_at_midnight() {
        let completed = |text| time(text).expect("always a text");
        assert_eq!(completed("2026-11-23"), "2026-11-23T00:00:00Z");
        assert_eq!(completed("2026-11-23 14:03"), "2026-11-23T14:03:00Z");
        assert_eq!(completed("2026-11-23T14:03:05"), "2026-11-23T14:03:05Z");
        assert_eq!(completed("2026-11-23T14:03:05+01:00"), "2026-11-23T14:03:05+01:00");
        assert_eq!(completed("42"), "42");
    }
}
