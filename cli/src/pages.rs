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
                return Ok(Answer { text: serde_json::to_string(&Page { items, next_cursor: cursor })? });
            }
            (false, _) => {}
        }
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
            Ok(Answer { text: pages[page].to_owned() })
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
}
