//! Provinces, cities and districts of Korea, by the legal-district codes of the Ministry of the Interior.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use aipoten_kit::{Fields, Locale, Result};
use aipoten_proto::matching::v1 as proto;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct Region {
    /// 2 digits for a province, 5 for what lies in one.
    pub(crate) code: String,
    parent_code: Option<String>,
    short_ko: String,
    full_name_ko: String,
    /// Of provinces alone.
    name_en: String,
}

#[derive(Debug, Deserialize)]
struct Alias {
    old_code: String,
    new_codes: String,
}

static REGIONS: LazyLock<BTreeMap<String, Region>> = LazyLock::new(|| {
    let rows: Vec<Region> = rows(include_str!("../data/korea/regions.csv"));
    rows.into_iter().map(|region| (region.code.clone(), region)).collect()
});

/// What codes from before an administrative change became.
static ALIASES: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let rows: Vec<Alias> = rows(include_str!("../data/korea/region_aliases.csv"));
    rows.into_iter().map(|it| (it.old_code, it.new_codes.split(';').map(str::to_owned).collect())).collect()
});

fn rows<T: for<'de> Deserialize<'de>>(file: &str) -> Vec<T> {
    let rows = csv::Reader::from_reader(file.as_bytes()).into_deserialize();
    rows.collect::<Result<_, _>>().expect("the shipped tables are well formed, as tests check")
}

/// All of them, by code.
pub(crate) fn all() -> impl Iterator<Item = &'static Region> {
    REGIONS.values()
}

pub(crate) fn get(code: &str) -> Option<&'static Region> {
    REGIONS.get(code)
}

/// The provinces, or the parts of a region.
pub(crate) fn list(parent_code: Option<&str>) -> Result<Vec<&'static Region>> {
    let mut fields = Fields::new();
    let parents = parent_code.map(|code| parse(&mut fields, "parent_code", code));
    fields.finish()?;
    let wanted = |region: &&Region| match (&parents, &region.parent_code) {
        (None, parent) => parent.is_none(),
        (Some(parents), parent) => parent.as_ref().is_some_and(|parent| parents.contains(parent)),
    };
    Ok(all().filter(wanted).collect())
}

/// The codes of today that a code stands for: itself, or what an earlier one became.
pub(crate) fn parse(fields: &mut Fields, field: &str, code: &str) -> Vec<String> {
    if REGIONS.contains_key(code) {
        return vec![code.to_owned()];
    }
    ALIASES.get(code).cloned().unwrap_or_else(|| {
        fields.violate(field, "unknown_region");
        Vec::new()
    })
}

/// The regions in which somebody can be met in one of these: they themselves, their parts, and what they are part of.
pub(crate) fn around(codes: &[String]) -> Vec<String> {
    let above = codes.iter().flat_map(|code| whole(code));
    let below = all().filter(|region| whole(&region.code).any(|it| codes.contains(&it.code)));
    let found: BTreeSet<&str> = above.chain(below).map(|region| region.code.as_str()).collect();
    found.into_iter().map(str::to_owned).collect()
}

/// A region and what it is part of.
fn whole(code: &str) -> impl Iterator<Item = &'static Region> {
    std::iter::successors(get(code), |region| get(region.parent_code.as_ref()?))
}

impl Region {
    pub(crate) fn name(&self, locale: Locale) -> &str {
        if self.name_en.is_empty() { &self.full_name_ko } else { locale.pick(&self.full_name_ko, &self.name_en) }
    }

    /// All that it is called by.
    pub(crate) fn names(&self) -> String {
        format!("{} {} {}", self.full_name_ko, self.short_ko, self.name_en)
    }

    /// All that it and what it is part of are called by.
    pub(crate) fn names_of_whole(&self) -> String {
        let whole: Vec<String> = whole(&self.code).map(Self::names).collect();
        whole.join(" ")
    }

    pub(crate) fn to_proto(&self, locale: Locale) -> proto::Region {
        proto::Region {
            code: self.code.clone(),
            name: self.name(locale).to_owned(),
            parent_code: self.parent_code.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(codes: &[&str]) -> Vec<String> {
        codes.iter().map(|&code| code.to_owned()).collect()
    }

    #[test]
    fn every_region_lies_in_one_that_is_there_and_every_old_code_became_one() {
        assert_eq!((REGIONS.len(), all().filter(|it| it.parent_code.is_none()).count()), (285, 16));
        for region in all() {
            assert!(region.parent_code.as_ref().is_none_or(|parent| REGIONS.contains_key(parent)), "{}", region.code);
            assert_eq!(region.parent_code.is_none(), region.code.len() == 2, "{}", region.code);
        }
        for (old, new) in &*ALIASES {
            assert!(!REGIONS.contains_key(old) && new.iter().all(|code| REGIONS.contains_key(code)), "{old}");
        }
    }

    #[test]
    fn a_district_is_served_by_its_city_and_province_and_a_province_by_its_districts() {
        assert_eq!(around(&owned(&["41111"])), ["41", "41110", "41111"]);
        assert_eq!(around(&owned(&["11"])).len(), 26);
        assert_eq!(around(&owned(&["41110"])), ["41", "41110", "41111", "41113", "41115", "41117"]);
    }

    #[test]
    fn an_old_code_stands_for_what_it_became_and_an_unknown_one_for_nothing() {
        let mut fields = Fields::new();
        assert_eq!(parse(&mut fields, "region", "28110"), ["28125", "28155"]);
        assert_eq!(parse(&mut fields, "region", "42"), ["51"]);
        fields.finish().expect("nothing wrong");
        assert!(list(Some("99")).is_err());
        assert_eq!(list(None).expect("provinces").len(), 16);
        assert_eq!(list(Some("11")).expect("districts").len(), 25);
    }

    #[test]
    fn names_are_english_as_far_as_there_is_one() {
        assert_eq!(get("11").expect("Seoul").name(Locale::En), "Seoul");
        assert_eq!(get("11110").expect("a district").name(Locale::En), "서울특별시 종로구");
        assert_eq!(
            get("11110").expect("a district").names_of_whole(),
            "서울특별시 종로구 종로구  서울특별시 서울 Seoul"
        );
    }
}
