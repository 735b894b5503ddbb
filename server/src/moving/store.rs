//! Reading and writing rows as they are.

use serde_json::Value;
use sqlx::any::{Any, AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Row};

use super::tables::{Column, TABLES, Table};
use crate::error::{Error, Result};
use crate::store::{Connection, Engine, Store};

/// How many rows are read at a time.
const PAGE: usize = 200;

impl Store {
    /// A connection that sees the store as it is now, whatever is written meanwhile.
    pub(super) async fn at_a_standstill(&self) -> Result<Connection> {
        let mut connection = self.read.begin().await?;
        // SQLite's readers see one state by themselves.
        if *self.engine() == Engine::Postgres {
            sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                .execute(&mut connection)
                .await?;
        }
        Ok(connection)
    }

    /// Begins to fill the store, which must hold nothing yet but the project that every store begins with.
    pub(super) async fn fill(&self) -> Result<Connection> {
        let mut connection = self.write.begin().await?;
        for Table { name, .. } in TABLES {
            let touched = match name {
                "projects" => " WHERE key <> 'default' OR audit_sequence > 0",
                "environments" => " WHERE revision > 0",
                _ => "",
            };
            // Text of ours alone.
            let statement = AssertSqlSafe(format!("SELECT 1 FROM {name}{touched} LIMIT 1"));
            if sqlx::query(statement).fetch_optional(&mut connection).await?.is_some() {
                let detail =
                    format!("the store is in use: its table {name} has rows; import into an empty one");
                return Err(Error::Conflict(detail, Vec::new()));
            }
        }
        sqlx::query("DELETE FROM environments").execute(&mut connection).await?;
        sqlx::query("DELETE FROM projects").execute(&mut connection).await?;
        Ok(connection)
    }
}

/// The rows after `last`, by the table's key; none when there are no more.
pub(super) async fn page(
    connection: &mut Connection,
    table: &Table,
    last: Option<&[Value]>,
) -> Result<Vec<Vec<Value>>> {
    let names = table.names();
    let (all, keys) = (names.join(", "), names[..table.keys].join(", "));
    let after = match last {
        Some(_) => format!(" WHERE ({keys}) > ({})", places(1, table.keys)),
        None => String::new(),
    };
    let text = format!("SELECT {all} FROM {}{after} ORDER BY {keys} LIMIT {PAGE}", table.name);
    let mut query = sqlx::query(AssertSqlSafe(text));
    for (column, value) in table.columns().zip(last.into_iter().flatten()).take(table.keys) {
        query = bind(query, column, value);
    }
    let rows = query.fetch_all(connection).await?;
    Ok(rows.iter().map(|row| cells(table, row)).collect::<Result<_, _>>()?)
}

/// Adds rows, each with a value for every column.
pub(super) async fn insert(connection: &mut Connection, table: &Table, rows: &[Vec<Value>]) -> Result<()> {
    let columns: Vec<Column> = table.columns().collect();
    let row = |index: usize| format!("({})", places(index * columns.len() + 1, columns.len()));
    let all: Vec<String> = (0..rows.len()).map(row).collect();
    let text = format!("INSERT INTO {} ({}) VALUES {}", table.name, table.names().join(", "), all.join(", "));
    let mut query = sqlx::query(AssertSqlSafe(text));
    for (column, value) in rows.iter().flat_map(|row| columns.iter().zip(row)) {
        query = bind(query, *column, value);
    }
    query.execute(connection).await?;
    Ok(())
}

/// So many placeholders, the first with this number.
fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

fn bind<'q>(
    query: Query<'q, Any, AnyArguments>,
    column: Column,
    value: &Value,
) -> Query<'q, Any, AnyArguments> {
    if column.number { query.bind(value.as_i64()) } else { query.bind(value.as_str().map(str::to_owned)) }
}

fn cells(table: &Table, row: &AnyRow) -> Result<Vec<Value>, sqlx::Error> {
    let cell = |column: Column| -> Result<Value, sqlx::Error> {
        Ok(if column.number {
            row.try_get::<Option<i64>, _>(column.name)?.into()
        } else {
            row.try_get::<Option<String>, _>(column.name)?.into()
        })
    };
    table.columns().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::moving::tables::STAY;

    /// Every column of every table: table, name, whether it holds numbers.
    async fn schema(store: &Store) -> BTreeSet<(String, String, bool)> {
        let sql = match store.engine() {
            Engine::Sqlite => {
                "SELECT m.name AS t, c.name AS c, c.type AS k FROM sqlite_master m \
                 JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_'"
            }
            Engine::Postgres => {
                "SELECT table_name::TEXT AS t, column_name::TEXT AS c, upper(data_type::TEXT) AS k \
                 FROM information_schema.columns WHERE table_schema = 'public'"
            }
        };
        let rows = sqlx::query(sql).fetch_all(&store.read).await.unwrap();
        let column = |row: &AnyRow| {
            (row.get::<String, _>("t"), row.get::<String, _>("c"), row.get::<String, _>("k") == "BIGINT")
        };
        rows.iter().map(column).filter(|(table, ..)| !STAY.contains(&table.as_str())).collect()
    }

    #[tokio::test]
    async fn every_column_of_every_table_is_moved_or_said_to_stay() {
        let all = TABLES.iter().flat_map(|table| table.columns().map(move |column| (table.name, column)));
        let moved: BTreeSet<_> =
            all.map(|(table, it)| (table.to_owned(), it.name.to_owned(), it.number)).collect();
        for (store, _folder) in crate::store::tests::stores().await {
            assert_eq!(schema(&store).await, moved, "{:?}: see moving/tables.rs", store.engine());
        }
    }
}
