//! What is moved, and what stays where it was.

/// A table whose rows are moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: &'static str,
    /// How many of its first columns are the primary key.
    pub(crate) keys: usize,
    /// Its columns, the key first; one with a `#` holds numbers, any other text.
    columns: &'static str,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whether it holds numbers.
    pub(crate) number: bool,
}

impl Table {
    /// The columns in order.
    pub(crate) fn columns(&self) -> impl Iterator<Item = Column> {
        self.columns
            .split_whitespace()
            .map(|word| Column { name: word.trim_end_matches('#'), number: word.ends_with('#') })
    }

    /// The names of the columns in order.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.columns().map(|column| column.name).collect()
    }
}

/// The tables that are moved, in an order in which every row finds what it refers to.
pub(crate) const TABLES: [Table; 11] = [
    Table {
        name: "projects",
        keys: 1,
        columns: "key name description audit_sequence# audit_hash created_ms# created_by deleted_ms#",
    },
    Table {
        name: "environments",
        keys: 2,
        columns: "project key name position# protected# revision# created_ms# deleted_ms#",
    },
    Table {
        name: "flags",
        keys: 2,
        columns: "project key type name description purpose owner tags variants salt bucketing version# \
                  expires_ms# created_ms# created_by archived_ms# archived_by deleted_ms#",
    },
    Table {
        name: "settings",
        keys: 3,
        columns: "project flag environment document enabled# version# revision# changed_ms# changed_by reason",
    },
    Table {
        name: "segments",
        keys: 2,
        columns: "project key name description document version# changed_ms# changed_by",
    },
    Table {
        name: "flag_history",
        keys: 5,
        columns: "project environment revision# kind key document at_ms#",
    },
    Table {
        name: "audit",
        keys: 2,
        columns: "project sequence# at_ms# environment flag action actor document hash",
    },
    Table {
        name: "tokens",
        keys: 1,
        columns: "id kind hash name role project environment created_ms# created_by expires_ms# \
                  last_used_ms# revoked_ms#",
    },
    Table {
        name: "instances",
        keys: 3,
        columns: "project environment instance app app_version sdk sequence# dropped# first_seen_ms# \
                  last_seen_ms#",
    },
    Table {
        name: "exposures",
        keys: 10,
        columns: "project environment flag day_ms# variant reason mode app app_version sdk count# first_ms# \
                  last_ms#",
    },
    Table {
        name: "unknown_flags",
        keys: 5,
        columns: "project environment flag app app_version count# first_ms# last_ms#",
    },
];

/// The tables that stay, and why: people sign in again, a write is repeated where it was begun, nodes, what they hear and
/// what they have on lease are those of the place, and what the migrations say of themselves is true everywhere.
#[cfg(test)]
pub(crate) const STAY: [&str; 7] =
    ["sessions", "answers", "nodes", "receipts", "leases", "served_builds", "_sqlx_migrations"];
