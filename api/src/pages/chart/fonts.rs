//! The fonts that the service carries, so that what it draws looks the same on every machine.

use std::sync::{Arc, LazyLock};

use resvg::usvg::{self, ImageHrefResolver, Options, Tree, fontdb};

const FAMILY: &str = "Open Sans";

pub static REGULAR_FONT: &[u8] = include_bytes!("../../../assets/fonts/OpenSans-Regular.ttf");
pub static BOLD_FONT: &[u8] = include_bytes!("../../../assets/fonts/OpenSans-Bold.ttf");

static DATABASE: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    for font in [REGULAR_FONT, BOLD_FONT] {
        fonts.load_font_source(fontdb::Source::Binary(Arc::new(font)));
    }
    fonts.set_sans_serif_family(FAMILY);
    Arc::new(fonts)
});

/// Reads a picture whose texts are set in the fonts of the service.
///
/// # Errors
/// What is wrong with the SVG.
pub fn read_svg(svg: &str) -> Result<Tree, usvg::Error> {
    let options = Options {
        font_family: FAMILY.to_owned(),
        fontdb: DATABASE.clone(),
        // Pictures have no images, and a file of the machine is nobody's picture.
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    Tree::from_str(svg, &options)
}
