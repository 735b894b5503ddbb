//! Lists in pages: a bound on how many, and a cursor for where to go on.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::{Error, Result};

/// How many items a page has when nobody asks.
pub const DEFAULT_LIMIT: u64 = 100;
/// How many items a page has at most.
pub const MAX_LIMIT: u64 = 500;

/// Where a page begins and how long it is.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// How many items at most, from 1 to 500; 100 when absent.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u64>,
}

impl Page {
    /// The bound, checked.
    pub fn limit(&self) -> Result<u64> {
        limit(self.limit)
    }
}

/// Checks a bound on a page.
pub(crate) fn limit(limit: Option<u64>) -> Result<u64> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        other => {
            Err(Error::Malformed(format!("limit is {other}; it must be from 1 to {MAX_LIMIT}"), Vec::new()))
        }
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Items<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where to go on; null at the end.
    pub next_cursor: Option<String>,
}

impl<T> Items<T> {
    /// A list that is always whole.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// A page out of `items`, of which one more than `limit` was asked for to learn whether there is more.
    pub fn page(mut items: Vec<T>, limit: u64, cursor: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if more { items.last().map(cursor) } else { None };
        Self { items, next_cursor }
    }
}
