//! Completing what is being typed.

use aipoten_kit::Result;
use uuid::Uuid;

use super::{Specialty, keystroke, store};
use crate::App;
use crate::region::{self, Region};

/// How many are suggested, and how many of them may be specialties, or regions.
const MOST: usize = 10;
const MOST_OF_A_KIND: usize = 3;

#[derive(Debug)]
pub(super) enum Suggestion {
    Specialty(Specialty),
    Region(&'static Region),
    Therapist(Uuid, String),
}

/// How near a text is to what is typed, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    /// It begins so.
    Begins,
    /// Each word of what is typed begins one of its words.
    BeginsWords,
    /// Each is part of it.
    Holds,
}

pub(super) async fn suggest(app: &App, q: &str) -> Result<Vec<Suggestion>> {
    let words = keystroke::words(q);
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let specialties = Specialty::ALL.into_iter().map(|it| (it.names(), Suggestion::Specialty(it)));
    let regions = region::all().map(|it| (it.names(), Suggestion::Region(it)));
    let mut found = closest(&words, specialties);
    found.extend(closest(&words, regions));
    let limit = i64::try_from(MOST - found.len()).unwrap_or_default();
    let therapists = store::search::named(&mut *app.pool.acquire().await?, &words, limit).await?;
    let therapists = therapists.into_iter().map(|(id, name)| (name.clone(), Suggestion::Therapist(id, name)));
    found.extend(therapists.filter_map(|(name, it)| Some((closeness(&words, &name)?, it))));
    found.sort_by_key(|(closeness, _)| *closeness);
    Ok(found.into_iter().map(|(_, suggestion)| suggestion).collect())
}

fn closest(words: &[String], all: impl Iterator<Item = (String, Suggestion)>) -> Vec<(Closeness, Suggestion)> {
    let mut found: Vec<_> = all.filter_map(|(names, it)| Some((closeness(words, &names)?, it))).collect();
    found.sort_by_key(|(closeness, _)| *closeness);
    found.truncate(MOST_OF_A_KIND);
    found
}

fn closeness(words: &[String], names: &str) -> Option<Closeness> {
    let names = keystroke::typed(names);
    let begun = words.iter().all(|word| names.contains(&format!(" {word}")));
    match begun {
        true if names.starts_with(&format!(" {}", words.join(" "))) => Some(Closeness::Begins),
        true => Some(Closeness::BeginsWords),
        false => words.iter().all(|word| names.contains(word)).then_some(Closeness::Holds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_so_is_closer_than_what_holds_it() {
        let of = |q: &str, names: &str| closeness(&keystroke::words(q), names);
        assert_eq!(of("언ㅇ", "언어치료 Speech"), Some(Closeness::Begins));
        assert_eq!(of("강남 서울", "서울특별시 강남구"), Some(Closeness::BeginsWords));
        assert_eq!(of("치료", "언어치료"), Some(Closeness::Holds));
        assert_eq!(of("부산", "서울특별시 강남구"), None);
    }
}
