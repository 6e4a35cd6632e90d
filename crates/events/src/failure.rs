//! Why a handler did not apply an event, and what of it may be written down.

use std::error::Error;

/// Why a handler did not apply an event. `?` turns any error into [`Failure::Failed`].
#[derive(Debug)]
pub enum Failure {
    /// An earlier fact has not arrived yet.
    NotYet,
    /// Anything else. Its text is kept for administrators: ids and reasons, no personal data.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

const LONGEST: usize = 500;

impl Failure {
    /// The chain of causes for `failed_events`. Of a database error only its code and what it names in the schema: its
    /// own words can hold values of a row.
    pub(crate) fn text(&self) -> String {
        let Self::Failed(error) = self else {
            return "not yet: an earlier fact has not arrived".to_owned();
        };
        let mut causes = Vec::new();
        for cause in error.chain() {
            match cause.downcast_ref::<sqlx::Error>() {
                Some(error) => {
                    causes.push(database_text(error));
                    break;
                }
                None => causes.push(cause.to_string()),
            }
        }
        causes.join(": ").chars().take(LONGEST).collect()
    }
}

fn database_text(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(said) => {
            let code = said.code().unwrap_or_default();
            let names = [said.table(), said.constraint()].into_iter().flatten().collect::<Vec<_>>().join(" ");
            format!("database error {code} {names}").trim_end().to_owned()
        }
        sqlx::Error::ColumnDecode { index, .. } => format!("column {index} could not be read"),
        other => other.source().map_or_else(|| other.to_string(), |_| "database out of reach".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn the_text_is_the_chain_of_causes() {
        let failure = Failure::from(anyhow!("no such child").context("erasing a child"));
        assert_eq!(failure.text(), "erasing a child: no such child");
    }

    #[test]
    fn values_of_a_row_stay_out_of_the_text() {
        let decode = sqlx::Error::ColumnDecode { index: "\"name\"".into(), source: "민준".into() };
        assert_eq!(Failure::from(decode).text(), "column \"name\" could not be read");
    }
}
