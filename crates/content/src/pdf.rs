//! One A4 page as PDF: what is drawn on it, with fonts of our own inside, so that it looks the same everywhere and its
//! text can be copied out.

use std::sync::LazyLock;

use aipoten_kit::Locale;
use anyhow::anyhow;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};
use unicode_normalization::UnicodeNormalization as _;

/// A4 in points, 72 to the inch.
pub(crate) const WIDTH: f32 = 595.3;
pub(crate) const HEIGHT: f32 = 841.9;
/// Stands for a letter that the fonts do not have.
const UNKNOWN: char = '□';

static REGULAR: LazyLock<Face> = LazyLock::new(|| Face::new(include_bytes!("../data/fonts/report-regular.ttf")));
static BOLD: LazyLock<Face> = LazyLock::new(|| Face::new(include_bytes!("../data/fonts/report-bold.ttf")));

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) bold: bool,
    /// Points.
    pub(crate) size: f32,
    pub(crate) colour: Colour,
}

/// Something drawn, counted in points from the left and from the top of what it is part of.
#[derive(Debug, Clone)]
enum Mark {
    /// Text whose baseline begins here.
    Text { x: f32, y: f32, style: Style, text: String },
    /// A filled rectangle.
    Area { x: f32, y: f32, width: f32, height: f32, colour: Colour },
}

/// A part of a page, as high as what stands in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Block {
    pub(crate) height: f32,
    marks: Vec<Mark>,
}

struct Face {
    font: Font,
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
    fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
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
    fn face(self) -> &'static Face {
        if self.bold { &BOLD } else { &REGULAR }
    }

    /// Text as it can be drawn in one direction: syllables in one piece, white space as single spaces, nothing that turns or
    /// hides letters.
    fn clean(self, text: &str) -> String {
        let map = self.face().read.charmap();
        let drawn = |letter: char| if map.map(letter).is_some() { letter } else { UNKNOWN };
        let composed = text.nfc().filter(|letter| letter.is_whitespace() || !hides(*letter));
        let drawn: String = composed.map(|letter| if letter.is_whitespace() { ' ' } else { drawn(letter) }).collect();
        drawn.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// How wide a text is, in points.
    fn width(self, text: &str) -> f32 {
        self.face().glyphs(text).iter().map(|glyph| glyph.x_advance * self.size).sum()
    }

    /// From one baseline to the next.
    fn line_height(self) -> f32 {
        self.size * 1.35
    }

    /// The lines of a text that is no wider than this: broken between words, inside of one only where it alone is too wide.
    fn wrap(self, text: &str, width: f32) -> Vec<String> {
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

impl Block {
    /// Nothing, this high.
    pub(crate) fn space(height: f32) -> Self {
        Self { height, marks: Vec::new() }
    }

    /// Text in as many lines as a width needs.
    pub(crate) fn text(text: &str, style: Style, width: f32) -> Self {
        let mut block = Self::default();
        for line in style.wrap(&style.clean(text), width) {
            block.height += style.line_height();
            // Letters stand a little above the bottom of their line.
            let y = block.height - style.line_height() * 0.27;
            block.marks.push(Mark::Text { x: 0.0, y, style, text: line });
        }
        block
    }

    /// Blocks beside one another, each this far from the left.
    pub(crate) fn beside(columns: impl IntoIterator<Item = (f32, Self)>) -> Self {
        let mut row = Self::default();
        for (x, column) in columns {
            row.height = row.height.max(column.height);
            row.marks.extend(column.marks.into_iter().map(|mark| mark.moved(x, 0.0)));
        }
        row
    }

    /// Blocks below one another.
    pub(crate) fn stack(rows: impl IntoIterator<Item = Self>) -> Self {
        let mut stack = Self::default();
        for row in rows {
            stack.marks.extend(row.marks.into_iter().map(|mark| mark.moved(0.0, stack.height)));
            stack.height += row.height;
        }
        stack
    }

    /// With a coloured ground of this width behind it, and space around it.
    pub(crate) fn on(self, colour: Colour, width: f32, padding: f32) -> Self {
        let height = self.height + 2.0 * padding;
        let ground = Mark::Area { x: 0.0, y: 0.0, width, height, colour };
        let marks = self.marks.into_iter().map(|mark| mark.moved(padding, padding));
        Self { height, marks: std::iter::once(ground).chain(marks).collect() }
    }

    /// With a thin line of this width below it.
    pub(crate) fn underlined(mut self, colour: Colour, width: f32) -> Self {
        self.marks.push(Mark::Area { x: 0.0, y: self.height, width, height: 0.5, colour });
        self.height += 1.5;
        self
    }

    /// The page with this block at its place, as PDF.
    pub(crate) fn into_pdf(self, (x, y): (f32, f32), title: &str, locale: Locale) -> anyhow::Result<Vec<u8>> {
        let mut document =
            Document::new_with(SerializeSettings { enable_tagging: false, ..SerializeSettings::default() });
        let metadata = Metadata::new().title(title.to_owned()).language(locale.as_str().to_owned());
        document.set_metadata(metadata.creator("aipoten".to_owned()));
        let size = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| anyhow!("A4 is no size of a page"))?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        for mark in self.marks {
            mark.moved(x, y).draw(&mut surface)?;
        }
        surface.finish();
        page.finish();
        document.finish().map_err(|error| anyhow!("the PDF cannot be made: {error:?}"))
    }
}

impl Mark {
    fn moved(mut self, by_x: f32, by_y: f32) -> Self {
        let (Self::Text { x, y, .. } | Self::Area { x, y, .. }) = &mut self;
        *x += by_x;
        *y += by_y;
        self
    }

    fn draw(self, surface: &mut Surface<'_>) -> anyhow::Result<()> {
        match self {
            Self::Text { x, y, style, text } => {
                surface.set_fill(Some(fill(style.colour)));
                let face = style.face();
                surface.draw_glyphs(
                    Point::from_xy(x, y),
                    &face.glyphs(&text),
                    face.font.clone(),
                    &text,
                    style.size,
                    false,
                );
            }
            Self::Area { x, y, width, height, colour } => {
                let rect = Rect::from_xywh(x, y, width, height).ok_or_else(|| anyhow!("an area without a size"))?;
                let mut path = PathBuilder::new();
                path.push_rect(rect);
                surface.set_fill(Some(fill(colour)));
                surface.draw_path(&path.finish().ok_or_else(|| anyhow!("an area without a size"))?);
            }
        }
        Ok(())
    }
}

fn fill([red, green, blue]: Colour) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
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
