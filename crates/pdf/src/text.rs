//! How text looks: its glyphs, how wide it is, where its lines end.

use std::sync::LazyLock;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};
use unicode_normalization::UnicodeNormalization as _;

use crate::Colour;

/// Stands for a letter that the fonts do not have.
const UNKNOWN: char = '□';

static REGULAR: LazyLock<Face> = LazyLock::new(|| Face::new(include_bytes!("../data/fonts/report-regular.ttf")));
static BOLD: LazyLock<Face> = LazyLock::new(|| Face::new(include_bytes!("../data/fonts/report-bold.ttf")));

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// The heavier weight.
    pub bold: bool,
    /// In points.
    pub size: f32,
    /// Of the letters.
    pub colour: Colour,
}

pub(crate) struct Face {
    pub(crate) font: Font,
    read: FontRef<'static>,
    units: f32,
}

impl Face {
    fn new(bytes: &'static [u8]) -> Self {
        let font = Font::new(bytes.into(), 0).expect("a shipped font can be read");
        let read = FontRef::new(bytes).expect("a shipped font can be read");
        Self { units: font.units_per_em(), font, read }
    }

    /// The glyphs of a text, one a letter: Hangul syllables and Latin need no shaping. Advances are parts of the size.
    pub(crate) fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
        let (map, metrics) = (self.read.charmap(), self.read.glyph_metrics(Size::unscaled(), LocationRef::default()));
        let glyph = |(start, letter): (usize, char)| {
            let id = map.map(letter).unwrap_or_default();
            let advance = metrics.advance_width(id).unwrap_or_default() / self.units;
            KrillaGlyph::new(GlyphId::new(id.to_u32()), advance, 0.0, 0.0, 0.0, start..start + letter.len_utf8(), None)
        };
        text.char_indices().map(glyph).collect()
    }
}

impl Style {
    pub(crate) fn face(self) -> &'static Face {
        if self.bold { &BOLD } else { &REGULAR }
    }

    /// Text as it can be drawn in one direction: syllables in one piece, white space as single spaces, nothing that turns or
    /// hides letters.
    pub(crate) fn clean(self, text: &str) -> String {
        let map = self.face().read.charmap();
        let drawn = |letter: char| if map.map(letter).is_some() { letter } else { UNKNOWN };
        let composed = text.nfc().filter(|letter| letter.is_whitespace() || !hides(*letter));
        let drawn: String = composed.map(|letter| if letter.is_whitespace() { ' ' } else { drawn(letter) }).collect();
        drawn.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// How wide a text is, in points.
    pub(crate) fn width(self, text: &str) -> f32 {
        self.face().glyphs(text).iter().map(|glyph| glyph.x_advance * self.size).sum()
    }

    /// From one baseline to the next.
    pub(crate) fn line_height(self) -> f32 {
        self.size * 1.35
    }

    /// The lines of a text that is no wider than this: broken between words, inside of one only where it alone is too wide.
    pub(crate) fn wrap(self, text: &str, width: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in text.split(' ').flat_map(|word| self.parts(word, width)) {
            let line = lines.last_mut().expect("there is a line from the start");
            let longer = if line.is_empty() { word.clone() } else { format!("{line} {word}") };
            if self.width(&longer) <= width {
                *line = longer;
            } else {
                lines.push(word);
            }
        }
        lines
    }

    /// A word in parts that fit.
    fn parts(self, word: &str, width: f32) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut used = 0.0;
        for letter in word.chars() {
            let wide = self.width(letter.encode_utf8(&mut [0; 4]));
            if used + wide > width {
                parts.push(String::new());
                used = 0.0;
            }
            used += wide;
            parts.last_mut().expect("there is a part from the start").push(letter);
        }
        parts
    }
}

fn hides(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: Style = Style { bold: false, size: 9.0, colour: [0, 0, 0] };

    #[test]
    fn syllables_are_put_together_and_what_turns_text_around_is_left_out() {
        assert_eq!(PLAIN.clean("\u{1112}\u{1161}\u{11ab}준\u{202e}\n\u{7}  봄"), "한준 봄");
    }

    #[test]
    fn every_syllable_of_korean_has_a_glyph_of_its_own_in_both_weights() {
        for face in [&*REGULAR, &*BOLD] {
            let ids: std::collections::HashSet<u32> =
                ('가'..='힣').map(|syllable| face.read.charmap().map(syllable).expect("a glyph").to_u32()).collect();
            assert_eq!(ids.len(), 11_172);
        }
    }

    #[test]
    fn a_letter_without_a_glyph_is_drawn_as_a_box() {
        assert_eq!(PLAIN.clean("漢 A"), "□ A");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(text in "[가-힣a-z .]{0,200}", width in 30.0_f32..300.0) {
            let text = PLAIN.clean(&text);
            let lines = PLAIN.wrap(&text, width);
            prop_assert!(lines.iter().all(|line| PLAIN.width(line) <= width + 0.01), "{lines:?}");
            prop_assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        }
    }
}
