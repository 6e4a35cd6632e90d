//! What must always be true of a database, and whether it is.

use std::fmt;

/// Broken places shown at most.
const SHOWN: usize = 20;

/// Something that must always be true, and where it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The sentence that must be true.
    pub name: &'static str,
    /// What breaks it: ids and figures, no personal data.
    pub broken: Vec<String>,
}

/// `  ok      the sentence`, or `  BROKEN  the sentence` and a line for each place.
impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}  {}", if self.broken.is_empty() { "ok    " } else { "BROKEN" }, self.name)?;
        self.broken.iter().take(SHOWN).try_for_each(|place| write!(f, "\n          {place}"))?;
        match self.broken.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n          and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_broken_is_told_with_its_places_and_not_endlessly() {
        let checked = |places: usize| Checked { name: "nothing is lost", broken: vec!["a place".to_owned(); places] };
        assert_eq!(checked(0).to_string(), "  ok      nothing is lost");
        assert_eq!(checked(1).to_string(), "  BROKEN  nothing is lost\n          a place");
        assert!(checked(25).to_string().ends_with("and 5 more"));
    }
}
