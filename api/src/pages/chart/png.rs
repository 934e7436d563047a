//! Renders a picture as PNG, with fonts that the service carries, so that it looks the same on every machine.

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg,
};

use super::fonts::read_svg;

/// The most pixels of a picture: 64 MB while it is drawn.
const MAX_PIXELS: f32 = 16_000_000.0;
const MIN_SCALE: f32 = 0.1;
const MAX_SCALE: f32 = 4.0;

/// Why a picture cannot be a PNG.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    #[error("The picture cannot be read: {0}")]
    Read(#[from] usvg::Error),
    #[error("The picture is too large for a PNG. Download it as SVG.")]
    TooLarge,
    #[error("The picture cannot be written as PNG: {0}")]
    Write(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The bytes of a PNG, in pixels of the SVG times the scale. A scale out of reason, or one that gives more than
/// the most pixels, is brought within limits.
pub fn render_png(svg: &str, scale: f32) -> Result<Vec<u8>, PngError> {
    let tree = read_svg(svg)?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let wanted = if scale.is_finite() {
        scale.clamp(MIN_SCALE, MAX_SCALE)
    } else {
        1.0
    };
    let scale = wanted.min((MAX_PIXELS / (width * height)).sqrt());
    let size = tree
        .size()
        .scale_by(scale)
        .ok_or(PngError::TooLarge)?
        .to_int_size();
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or(PngError::TooLarge)?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels
        .encode_png()
        .map_err(|error| PngError::Write(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The width and the height in the header of a PNG.
    fn read_size(png: &[u8]) -> (u32, u32) {
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        let number = |from: usize| u32::from_be_bytes(png[from..from + 4].try_into().unwrap());
        (number(16), number(20))
    }

    fn render_blank(width: u32, height: u32) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\"><text x=\"5\" y=\"20\" font-family=\"system-ui, sans-serif\">Wayin</text></svg>"
        )
    }

    #[test]
    fn a_png_has_the_size_of_the_svg_times_the_scale() {
        let svg = render_blank(72, 36);
        assert_eq!(read_size(&render_png(&svg, 1.0).unwrap()), (72, 36));
        assert_eq!(read_size(&render_png(&svg, 2.0).unwrap()), (144, 72));
    }

    #[test]
    fn a_png_is_never_larger_than_the_limit() {
        let (width, height) = read_size(&render_png(&render_blank(3_000, 9_000), f32::INFINITY).unwrap());
        assert!(f64::from(width) * f64::from(height) <= f64::from(MAX_PIXELS) * 1.01);
        assert!(height > 2 * width);
    }

    #[test]
    fn a_text_is_drawn_with_the_embedded_font() {
        let with_text = render_png(&render_blank(72, 36), 1.0).unwrap();
        let without = render_png(&render_blank(72, 36).replace("Wayin", ""), 1.0).unwrap();
        assert_ne!(with_text, without);
    }

    #[test]
    fn what_is_not_a_picture_is_refused() {
        assert!(matches!(render_png("no picture", 1.0), Err(PngError::Read(_))));
    }
}
