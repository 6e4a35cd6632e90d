//! Hangul as the keys that it is typed with on a two-set keyboard: 언어 is `djsdj`. The database then compares letters where
//! it would compare syllables, in every locale: parts of words are found while they are typed, and a wrong letter is one
//! letter wrong.

use unicode_normalization::UnicodeNormalization as _;

/// The keys of leading consonants, vowels and closing consonants in their order in Unicode. Double consonants are typed with
/// shift; that is left out, as it is the usual slip.
const LEADING: [&str; 19] =
    ["r", "r", "s", "e", "e", "f", "a", "q", "q", "t", "t", "d", "w", "w", "c", "z", "x", "v", "g"];
const VOWELS: [&str; 21] =
    ["k", "o", "i", "o", "j", "p", "u", "p", "h", "hk", "ho", "hl", "y", "n", "nj", "np", "nl", "b", "m", "ml", "l"];
const CLOSING: [&str; 28] = [
    "", "r", "r", "rt", "s", "sw", "sg", "e", "f", "fr", "fa", "fq", "ft", "fx", "fv", "fg", "a", "q", "qt", "t", "t",
    "d", "w", "c", "z", "x", "v", "g",
];
/// Consonants that stand alone, as while a syllable is typed: ㄱ to ㅎ.
const ALONE: [&str; 30] = [
    "r", "r", "rt", "s", "sw", "sg", "e", "e", "f", "fr", "fa", "fq", "ft", "fx", "fv", "fg", "a", "q", "q", "qt", "t",
    "t", "d", "w", "w", "c", "z", "x", "v", "g",
];

const FIRST_SYLLABLE: u32 = '가' as u32;
const FIRST_CONSONANT: u32 = 'ㄱ' as u32;
const FIRST_VOWEL: u32 = 'ㅏ' as u32;

/// The words of a text in lower case, Hangul as keystrokes; signs between words are left out.
pub(super) fn words(text: &str) -> Vec<String> {
    let typed: String = text.nfc().flat_map(char::to_lowercase).fold(String::new(), |mut typed, letter| {
        push(&mut typed, letter);
        typed
    });
    typed.split_whitespace().map(str::to_owned).collect()
}

/// The words with a blank before and after each.
pub(super) fn typed(text: &str) -> String {
    words(text).iter().fold(" ".to_owned(), |typed, word| typed + word + " ")
}

fn push(typed: &mut String, letter: char) {
    let code = letter as usize;
    match letter {
        '가'..='힣' => {
            let syllable = code - FIRST_SYLLABLE as usize;
            typed.push_str(LEADING[syllable / (21 * 28)]);
            typed.push_str(VOWELS[syllable / 28 % 21]);
            typed.push_str(CLOSING[syllable % 28]);
        }
        'ㄱ'..='ㅎ' => typed.push_str(ALONE[code - FIRST_CONSONANT as usize]),
        'ㅏ'..='ㅣ' => typed.push_str(VOWELS[code - FIRST_VOWEL as usize]),
        _ if letter.is_alphanumeric() => typed.push(letter),
        _ => typed.push(' '),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hangul_becomes_the_keys_it_is_typed_with() {
        for (text, keys) in [
            ("언어치료", "djsdjclfy"),
            ("박서준", "qkrtjwns"),
            ("삶의 질", "tkfadml wlf"),
            ("뛰어쓰기", "enldjtmrl"),
            ("왜", "dho"),
            ("언ㅇ", "djsd"),
            ("ㅏㅄㅢㅎ", "kqtmlg"),
            ("Speech·언어, 50%_", "speech djsdj 50"),
            ("", ""),
        ] {
            assert_eq!(words(text).join(" "), keys, "{text}");
        }
        assert_eq!(typed("가 나"), " rk sk ");
    }

    #[test]
    fn it_makes_no_difference_whether_a_syllable_came_in_parts() {
        let parts: String = "언어 치료".nfd().collect();
        assert_ne!(parts, "언어 치료");
        assert_eq!(words(&parts), words("언어 치료"));
    }

    proptest! {
        #[test]
        fn nothing_that_means_something_in_a_pattern_is_left(text in ".{0,40}") {
            for word in words(&text) {
                prop_assert!(!word.is_empty());
                prop_assert!(!word.contains(['%', '_', '\\', '|', ' ', '\0']), "{word}");
                prop_assert!(!word.contains(|letter| ('가'..='힣').contains(&letter)), "{word}");
            }
        }

        #[test]
        fn what_is_typed_so_far_begins_what_is_meant(text in "[가-힣]{1,6}", more in "[가-힣]{0,6}") {
            let whole = words(&format!("{text}{more}")).concat();
            prop_assert!(whole.starts_with(&words(&text).concat()), "{whole}");
        }

        #[test]
        fn other_syllables_are_other_keys_unless_shift_alone_tells_them_apart(one in "[가-힣]", other in "[가-힣]") {
            let keys = |text: &str| words(text).concat();
            let plain = |text: &str| -> String {
                text.nfd().map(|part| match part {
                    'ᄁ' => 'ᄀ', 'ᄄ' => 'ᄃ', 'ᄈ' => 'ᄇ', 'ᄊ' => 'ᄉ', 'ᄍ' => 'ᄌ', 'ᅤ' => 'ᅢ', 'ᅨ' => 'ᅦ', 'ᆩ' => 'ᆨ', 'ᆻ' => 'ᆺ',
                    part => part,
                }).collect()
            };
            prop_assert_eq!(keys(&one) == keys(&other), plain(&one) == plain(&other));
        }
    }
}
