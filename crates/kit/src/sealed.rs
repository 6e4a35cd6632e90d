//! Whether what is encrypted can still be read: after a restore, before a key is taken away.

use std::fmt;

use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::{Cipher, Place};

/// Columns of a table whose values [`Cipher`] sealed.
#[derive(Debug, Clone, Copy)]
pub struct Sealed {
    /// Where they lie.
    pub table: &'static str,
    /// Column with the id that their places name as row.
    pub row: &'static str,
    /// The columns.
    pub columns: &'static [&'static str],
    /// The table that their places name: another one where values are copied as they are.
    pub place: &'static str,
}

/// What came of opening values of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The column, with its table.
    pub column: String,
    /// One value was opened with each of these keys; empty when the column has no values.
    pub keys: Vec<String>,
    /// What did not open, and why: ids of keys, no values.
    pub closed: Vec<String>,
}

/// `  ok      users.phone: 2026a, 2026b`, `  empty   users.phone`, or `  CLOSED  users.phone: why`.
impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.closed.is_empty(), self.keys.is_empty()) {
            (true, true) => write!(f, "  empty   {}", self.column),
            (true, false) => write!(f, "  ok      {}: {}", self.column, self.keys.join(", ")),
            (false, _) => write!(f, "  CLOSED  {}: {}", self.column, self.closed.join("; ")),
        }
    }
}

impl Sealed {
    /// Columns that are bound to rows of their own table by its `id`.
    pub const fn of(table: &'static str, columns: &'static [&'static str]) -> Self {
        Self { table, row: "id", columns, place: table }
    }

    /// The same, bound by another column.
    pub const fn by(self, row: &'static str) -> Self {
        Self { row, ..self }
    }

    /// The same, copied as they are from another table.
    pub const fn copied_from(self, place: &'static str) -> Self {
        Self { place, ..self }
    }

    /// Opens in each column one value for each key that its values were sealed with. Reads the tables as a whole.
    pub async fn open_one_each(&self, conn: &mut PgConnection, cipher: &Cipher) -> sqlx::Result<Vec<Opened>> {
        let mut opened = Vec::new();
        for column in self.columns {
            opened.push(self.open_one(conn, cipher, column).await?);
        }
        Ok(opened)
    }

    async fn open_one(&self, conn: &mut PgConnection, cipher: &Cipher, column: &'static str) -> sqlx::Result<Opened> {
        let Self { table, row, place, .. } = self;
        // A value begins with the length of its key's id and the id.
        let sql = format!(
            "SELECT DISTINCT ON (substring({column} FROM 1 FOR 1 + get_byte({column}, 0))) {row}, {column} \
             FROM {table} WHERE {column} IS NOT NULL"
        );
        let rows: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(conn).await?;
        let mut opened = Opened { column: format!("{table}.{column}"), keys: Vec::new(), closed: Vec::new() };
        for (row, value) in rows {
            match cipher.open_bytes(Place { table: place, column, row }, &value) {
                Ok(_) => opened.keys.extend(Cipher::key_of(&value).map(str::to_owned)),
                Err(error) => opened.closed.push(error.to_string()),
            }
        }
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_told_with_its_keys_or_with_what_did_not_open() {
        let opened = |keys: &[&str], closed: &[&str]| Opened {
            column: "users.phone".to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            closed: closed.iter().map(|why| (*why).to_owned()).collect(),
        };
        assert_eq!(opened(&[], &[]).to_string(), "  empty   users.phone");
        assert_eq!(opened(&["a", "b"], &[]).to_string(), "  ok      users.phone: a, b");
        assert_eq!(
            opened(&["a"], &["the key b is missing"]).to_string(),
            "  CLOSED  users.phone: the key b is missing"
        );
    }
}
