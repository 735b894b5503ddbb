//! A query with optional conditions. Placeholders are numbered, which is the one form that both engines read.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::{Pool, stored};
use crate::error::Result;

/// A value for a placeholder.
#[derive(Debug)]
enum Value {
    Text(String),
    Number(i64),
}

/// SQL text under way, with the values for its placeholders. Only literals become text; whatever a caller sent is bound.
#[derive(Debug)]
pub(crate) struct Filtered {
    sql: String,
    values: Vec<Value>,
}

impl Filtered {
    /// Starts with the text of a statement.
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// Adds text.
    pub(crate) fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Adds text and, after it, a placeholder for `value`.
    pub(crate) fn text(&mut self, sql: &'static str, value: impl Into<String>) -> &mut Self {
        self.bind(sql, Value::Text(value.into()))
    }

    /// Adds text and, after it, a placeholder for `value`.
    pub(crate) fn number(&mut self, sql: &'static str, value: i64) -> &mut Self {
        self.bind(sql, Value::Number(value))
    }

    fn bind(&mut self, sql: &'static str, value: Value) -> &mut Self {
        self.values.push(value);
        self.sql.push_str(sql);
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
        self
    }

    /// Reads at most `limit` rows.
    pub(crate) async fn fetch(mut self, pool: &Pool, limit: u64) -> Result<Vec<AnyRow>> {
        self.number(" LIMIT ", stored(limit));
        let mut query = sqlx::query(AssertSqlSafe(self.sql));
        for value in self.values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
            };
        }
        Ok(query.fetch_all(pool).await?)
    }
}
