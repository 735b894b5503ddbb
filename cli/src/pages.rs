//! Lists come in pages: following `next_cursor` to the end.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::call::Answer;

/// The most that a server gives in one page.
const PAGE: u32 = 500;

/// One page of a list; its items stay text, so that they are passed on as they came.
#[derive(Debug, Deserialize, Serialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// Asks `fetch` for pages (how many items, from which cursor) until the list ends or there are `limit` items.
pub(crate) fn gather(
    limit: Option<u32>,
    mut fetch: impl FnMut(u32, Option<&str>) -> Result<Answer>,
) -> Result<Answer> {
    let mut items: Vec<Box<RawValue>> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let room = limit.map_or(usize::MAX, |limit| (limit as usize).saturating_sub(items.len()));
        let size = u32::try_from(room).map_or(PAGE, |room| room.min(PAGE));
        let answer = fetch(size, cursor.as_deref())?;
        let page: Page = serde_json::from_str(&answer.text).context("the server's answer is not a list")?;
        let is_whole = items.is_empty() && page.items.len() <= room;
        let is_end = page.items.len() >= room || page.next_cursor.is_none() || page.next_cursor == cursor;
        items.extend(page.items.into_iter().take(room));
        cursor = page.next_cursor;
        match (is_end, is_whole) {
            (true, true) => return Ok(answer),
            (true, false) => {
                return Ok(Answer {
                    text: serde_json::to_string(&Page { items, next_cursor: cursor })?,
                    next_cursor: None,
                });
            }
            (false, _) => {}
        }
    }
}

/// Asks `fetch` for pages of lines as [`gather`] does, and joins them; the heading of a table stands only once.
pub(crate) fn gather_lines(
    limit: Option<u32>,
    has_heading: bool,
    mut fetch: impl FnMut(u32, Option<&str>) -> Result<Answer>,
) -> Result<String> {
    let mut text = String::new();
    let mut cursor: Option<String> = None;
    let mut room = limit.unwrap_or(u32::MAX);
    loop {
        let size = room.min(PAGE);
        let page = fetch(size, cursor.as_deref())?;
        let is_first = text.is_empty();
        match page.text.split_once('\n') {
            Some((_, rows)) if has_heading && !is_first => text.push_str(rows),
            _ => text.push_str(&page.text),
        }
        // A page that names a next one is a full one.
        room -= size;
        if room == 0 || page.next_cursor.is_none() || page.next_cursor == cursor {
            return Ok(text);
        }
        cursor = page.next_cursor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gathers from a list of pages, of which each names the next as its cursor; gives the text and the sizes asked for.
    fn check(pages: &[&str], limit: Option<u32>) -> (String, Vec<u32>) {
        let mut sizes = Vec::new();
        let answer = gather(limit, |size, cursor| {
            sizes.push(size);
            let page: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
            Ok(Answer { text: pages[page].to_owned(), next_cursor: None })
        });
        (answer.unwrap().text, sizes)
    }

    #[test]
    fn one_page_is_passed_on_untouched() {
        let page = r#"{ "items": [1.0, {"b":1,"a":2}], "next_cursor": null, "more": true }"#;
        assert_eq!(check(&[page], None), (page.to_owned(), vec![500]));
    }

    #[test]
    fn a_list_is_read_to_its_end() {
        let pages =
            [r#"{"items":[{"b":1,"a":2}],"next_cursor":"1"}"#, r#"{"items":[2.0],"next_cursor":null}"#];
        let (text, sizes) = check(&pages, None);
        assert_eq!(text, r#"{"items":[{"b":1,"a":2},2.0],"next_cursor":null}"#);
        assert_eq!(sizes, [500, 500]);
    }

    #[test]
    fn a_limit_stops_the_reading_and_bounds_each_page() {
        let pages = [
            r#"{"items":[1,2],"next_cursor":"1"}"#,
            r#"{"items":[3],"next_cursor":"2"}"#,
            r#"{"items":[4],"next_cursor":null}"#,
        ];
        let (text, sizes) = check(&pages, Some(3));
        assert_eq!(text, r#"{"items":[1,2,3],"next_cursor":"2"}"#);
        assert_eq!(sizes, [3, 1]);
        assert_eq!(check(&pages, Some(2)).0, pages[0]);
    }

    #[test]
    fn a_server_that_gives_more_than_was_asked_for_is_cut() {
        let pages = [r#"{"items":[1,2,3],"next_cursor":null}"#];
        assert_eq!(check(&pages, Some(2)).0, r#"{"items":[1,2],"next_cursor":null}"#);
    }

    #[test]
    fn a_cursor_that_does_not_move_ends_the_reading() {
        let pages = [r#"{"items":[1],"next_cursor":"1"}"#, r#"{"items":[2],"next_cursor":"1"}"#];
        assert_eq!(check(&pages, None).0, r#"{"items":[1,2],"next_cursor":"1"}"#);
    }

    fn check_lines(pages: &[&str], limit: Option<u32>, has_heading: bool) -> (String, Vec<u32>) {
        let mut sizes = Vec::new();
        let text = gather_lines(limit, has_heading, |size, cursor| {
            sizes.push(size);
            let page: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
            let next_cursor = (page + 1 < pages.len()).then(|| (page + 1).to_string());
            Ok(Answer { text: pages[page].to_owned(), next_cursor })
        });
        (text.unwrap(), sizes)
    }

    #[test]
    fn lines_of_all_pages_are_joined_under_one_heading() {
        let pages = ["at,actor\r\n1,a\r\n", "at,actor\r\n2,b\r\n"];
        assert_eq!(check_lines(&pages, None, true).0, "at,actor\r\n1,a\r\n2,b\r\n");
        assert_eq!(check_lines(&["{}\n", "{}\n"], None, false).0, "{}\n{}\n");
        assert_eq!(check_lines(&["", ""], None, false).0, "");
    }

    #[test]
    fn a_limit_stops_the_reading_of_lines() {
        let (text, sizes) = check_lines(&["1\n", "2\n", "3\n"], Some(600), false);
        assert_eq!((text.as_str(), sizes), ("1\n2\n", vec![500, 100]));
    }
}
