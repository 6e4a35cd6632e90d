//! Parts of a page.

use anyhow::anyhow;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::num::NormalizedF32;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;

use crate::{Colour, Style};

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
pub struct Block {
    /// In points.
    pub height: f32,
    marks: Vec<Mark>,
}

impl Block {
    /// Nothing, this high.
    pub fn space(height: f32) -> Self {
        Self { height, marks: Vec::new() }
    }

    /// Text in as many lines as a width needs.
    pub fn text(text: &str, style: Style, width: f32) -> Self {
        let mut block = Self::default();
        for line in style.wrap(&style.clean(text), width) {
            block.height += style.line_height();
            // Letters stand a little above the bottom of their line.
            let y = block.height - style.line_height() * 0.27;
            block.marks.push(Mark::Text { x: 0.0, y, style, text: line });
        }
        block
    }

    /// Text that ends at this width, in one line: figures below one another.
    pub fn right(text: &str, style: Style, width: f32) -> Self {
        let text = style.clean(text);
        let x = width - style.width(&text);
        Self::beside([(x, Self::text(&text, style, f32::INFINITY))])
    }

    /// Blocks beside one another, each this far from the left.
    pub fn beside(columns: impl IntoIterator<Item = (f32, Self)>) -> Self {
        let mut row = Self::default();
        for (x, column) in columns {
            row.height = row.height.max(column.height);
            row.marks.extend(column.marks.into_iter().map(|mark| mark.moved(x, 0.0)));
        }
        row
    }

    /// Blocks below one another.
    pub fn stack(rows: impl IntoIterator<Item = Self>) -> Self {
        let mut stack = Self::default();
        for row in rows {
            stack.marks.extend(row.marks.into_iter().map(|mark| mark.moved(0.0, stack.height)));
            stack.height += row.height;
        }
        stack
    }

    /// With a coloured ground of this width behind it, and space around it.
    pub fn on(self, colour: Colour, width: f32, padding: f32) -> Self {
        let height = self.height + 2.0 * padding;
        let ground = Mark::Area { x: 0.0, y: 0.0, width, height, colour };
        let marks = self.marks.into_iter().map(|mark| mark.moved(padding, padding));
        Self { height, marks: std::iter::once(ground).chain(marks).collect() }
    }

    /// With a thin line of this width below it.
    pub fn underlined(mut self, colour: Colour, width: f32) -> Self {
        self.marks.push(Mark::Area { x: 0.0, y: self.height, width, height: 0.5, colour });
        self.height += 1.5;
        self
    }

    /// Draws it this far from the left and from the top.
    pub(crate) fn draw(self, (x, y): (f32, f32), surface: &mut Surface<'_>) -> anyhow::Result<()> {
        self.marks.into_iter().try_for_each(|mark| mark.moved(x, y).draw(surface))
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
