//! Typing errors in what is searched by everybody: the words for specialties and regions, which are known.

use std::sync::LazyLock;

use super::{Specialty, keystroke};
use crate::region;

/// The specialties and regions that a word may have been meant for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) specialties: Vec<&'static str>,
    /// Also those around.
    pub(super) regions: Vec<String>,
}

#[derive(Debug, Clone)]
enum Of {
    Specialty(Specialty),
    /// By its code.
    Region(&'static str),
}

/// Every word of their names, as keystrokes.
static WORDS: LazyLock<Vec<(Vec<char>, Of)>> = LazyLock::new(|| {
    let specialties = Specialty::ALL.into_iter().map(|it| (it.names(), Of::Specialty(it)));
    let regions = region::all().map(|it| (it.names(), Of::Region(&it.code)));
    let each = |(names, of): (String, Of)| {
        keystroke::words(&names).into_iter().map(move |word| (word.chars().collect(), of.clone()))
    };
    specialties.chain(regions).flat_map(each).collect()
});

impl Meant {
    /// Those whose words need the fewest corrections.
    pub(super) fn by(word: &str) -> Self {
        let word: Vec<char> = word.chars().collect();
        let corrected = WORDS.iter().map(|(known, of)| (corrections(&word, known), of));
        let near: Vec<_> = corrected.filter(|(corrections, _)| *corrections <= forgiven(word.len())).collect();
        let fewest = near.iter().map(|(corrections, _)| *corrections).min();
        let (mut specialties, mut regions) = (Vec::new(), Vec::new());
        for (_, of) in near.iter().filter(|(corrections, _)| Some(*corrections) == fewest) {
            match of {
                Of::Specialty(specialty) => specialties.push(specialty.as_str()),
                Of::Region(code) => regions.push((*code).to_owned()),
            }
        }
        Self { specialties, regions: region::around(&regions) }
    }
}

/// How many wrong keystrokes are forgiven in a word of so many.
fn forgiven(keystrokes: usize) -> usize {
    match keystrokes {
        0..4 => 0,
        4..9 => 1,
        _ => 2,
    }
}

/// Letters to change, add or leave out until the word is a beginning of what is known (Levenshtein).
fn corrections(word: &[char], known: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (typed, letter) in word.iter().enumerate() {
        let mut above_left = std::mem::replace(&mut row[0], typed + 1);
        for at in 1..row.len() {
            let changed = above_left + usize::from(*letter != known[at - 1]);
            above_left = row[at];
            row[at] = changed.min(row[at] + 1).min(row[at - 1] + 1);
        }
    }
    row.into_iter().min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn meant(text: &str) -> Meant {
        Meant::by(&keystroke::words(text).concat())
    }

    #[test]
    fn a_wrong_missing_or_additional_letter_is_forgiven() {
        for text in ["언어치로", "어너치료", "언어취료", "언오치", "speach"] {
            assert_eq!(meant(text).specialties, ["speech"], "{text}");
        }
        for text in ["작업치류", "occupatonal"] {
            assert_eq!(meant(text).specialties, ["occupational"], "{text}");
        }
        assert!(meant("종료구").regions.contains(&"11110".to_owned()));
        assert!(meant("수언시").regions.contains(&"41110".to_owned()));
    }

    #[test]
    fn what_is_like_nothing_or_too_short_means_nothing() {
        for text in ["xyzxyz", "가나다라", "ab"] {
            assert_eq!(meant(text), Meant::default(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn one_slip_is_one_correction(word in "[a-z]{1,12}", at in any::<prop::sample::Index>(), letter in "[a-z]") {
            let known: Vec<char> = word.chars().collect();
            let mut slipped = known.clone();
            slipped[at.index(known.len())] = letter.chars().next().expect("a letter");
            prop_assert!(corrections(&slipped, &known) <= 1);
            slipped.remove(at.index(known.len()));
            prop_assert!(corrections(&slipped, &known) <= 1);
            prop_assert_eq!(corrections(&known, &known), 0);
        }
    }
}
