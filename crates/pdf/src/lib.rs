//! Documents as PDF: A4 pages of text and areas, with fonts of our own inside, so that they look the same everywhere and their
//! text can be copied out.
//!
//! A page is a [`Block`] made of blocks: text in a [`Style`], beside and below one another. [`document`] puts pages on paper;
//! [`fill`] shares rows out over as many pages as they need.

mod block;
mod text;

use anyhow::anyhow;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::{Document, SerializeSettings};

pub use block::Block;
pub use text::Style;

/// Width of A4 in points, 72 to the inch.
pub const WIDTH: f32 = 595.3;
/// Height of A4 in points.
pub const HEIGHT: f32 = 841.9;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// What a document is called, and in which language it is: `ko` or `en`.
#[derive(Debug, Clone, Copy)]
pub struct Title<'a> {
    /// As readers show it in their window.
    pub text: &'a str,
    /// For those who have it read aloud.
    pub language: &'a str,
}

/// The pages as PDF, each this far from the left and from the top of its paper. An error means that a block has a size that is no
/// number: a mistake of ours.
pub fn document(title: Title<'_>, (x, y): (f32, f32), pages: Vec<Block>) -> anyhow::Result<Vec<u8>> {
    let mut document = Document::new_with(SerializeSettings { enable_tagging: false, ..SerializeSettings::default() });
    let metadata = Metadata::new().title(title.text.to_owned()).language(title.language.to_owned());
    document.set_metadata(metadata.creator("aipoten".to_owned()));
    for block in pages {
        let size = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| anyhow!("A4 is no size of a page"))?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        block.draw((x, y), &mut surface)?;
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| anyhow!("the PDF cannot be made: {error:?}"))
}

/// Rows shared out: the first page has room for `first` points of them, all others for `other`. There is one page at least; the
/// first may stay empty, and a row that is too high for any page has one to itself.
pub fn fill(rows: impl IntoIterator<Item = Block>, first: f32, other: f32) -> Vec<Vec<Block>> {
    let mut pages = vec![Vec::new()];
    let mut left = first;
    for row in rows {
        if row.height > left {
            pages.push(Vec::new());
            left = other;
        }
        left -= row.height;
        pages.last_mut().expect("there is a page from the start").push(row);
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { bold: false, size: 10.0, colour: [0, 0, 0] };

    fn rows(heights: &[f32]) -> Vec<Block> {
        heights.iter().copied().map(Block::space).collect()
    }

    fn heights(pages: &[Vec<Block>]) -> Vec<Vec<f32>> {
        pages.iter().map(|page| page.iter().map(|row| row.height).collect()).collect()
    }

    #[test]
    fn rows_go_to_the_next_page_when_one_is_full() {
        let pages = fill(rows(&[10.0, 10.0, 10.0, 10.0, 10.0]), 20.0, 30.0);
        assert_eq!(heights(&pages), [vec![10.0; 2], vec![10.0; 3]]);
        assert_eq!(heights(&fill(rows(&[50.0, 10.0]), 20.0, 30.0)), [vec![], vec![50.0], vec![10.0]]);
        assert_eq!(heights(&fill([], 20.0, 30.0)), [Vec::<f32>::new()]);
    }

    #[test]
    fn every_page_is_drawn_and_its_text_can_be_read_out() {
        let page = |text: &str| Block::text(text, STYLE, 200.0).on([240, 240, 240], 220.0, 10.0);
        let title = Title { text: "정산 내역서", language: "ko" };
        let pdf = document(title, (40.0, 40.0), vec![page("첫째 쪽"), page("둘째 쪽")]).expect("a document");
        let read = lopdf::Document::load_mem(&pdf).expect("it can be read");
        assert_eq!(read.get_pages().len(), 2);
        assert!(read.extract_text(&[1]).expect("text").contains("첫째 쪽"));
        assert!(read.extract_text(&[2]).expect("text").contains("둘째 쪽"));
    }
}
