//! Writes a board paper whose parts have their places.

use std::collections::VecDeque;
use std::num::NonZeroU16;

use chrono::Datelike as _;
use krilla::action::{Action, LinkAction};
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::luma;
use krilla::configure::{Accessibility, Configuration, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::{Page, PageSettings};
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, BBox, ContentTag, Identifier, ListNumbering, SpanTag, TableHeaderScope, Tag,
    TagGroup, TagKind, TagTree,
};
use krilla::text::{Font, TextDirection};
use krilla::{Document, SerializeSettings};
use krilla_svg::{SurfaceExt as _, SvgSettings};
use resvg::usvg::Tree;

use super::layout::{
    Area, Layout, Line, Lines, ListItem, PAGE_HEIGHT, PAGE_WIDTH, Part, PlacedPicture, Table,
};
use super::text::Tone;
use super::{PaperContents, PdfError};
use crate::pages::chart::fonts::{BOLD_FONT, REGULAR_FONT, read_svg};

const LANGUAGE: &str = "en-GB";
const AUTHOR: &str = "Wayin";

/// Writes the PDF so that it says that it is accessible (PDF/UA-1). A PDF with characters that the font lacks is not, and
/// is written without saying so.
pub fn write(contents: &PaperContents, layout: &Layout) -> Result<Vec<u8>, PdfError> {
    let pictures = contents.pictures.iter().map(|picture| read_svg(&picture.svg));
    let pictures: Vec<Tree> = pictures.collect::<Result<_, _>>()?;
    let fonts = PaperFonts::load()?;
    let accessible = ConfigurationBuilder::new().with_accessibility_validator(Accessibility::UA1);
    let accessible = accessible.finish().unwrap_or_default();
    for configuration in [accessible, Configuration::default()] {
        match write_document(contents, layout, &pictures, &fonts, configuration)?.finish() {
            Err(KrillaError::Validation(_)) => {}
            Err(cause) => return Err(PdfError::Write(cause.to_string())),
            Ok(bytes) => return Ok(bytes),
        }
    }
    Err(PdfError::Write("no configuration is valid".into()))
}

fn write_document(
    contents: &PaperContents,
    layout: &Layout,
    pictures: &[Tree],
    fonts: &PaperFonts,
    configuration: Configuration,
) -> Result<Document, PdfError> {
    let mut document = Document::new_with(SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    });
    document.set_metadata(describe(contents));
    let size = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT).ok_or_else(reject_size)?;
    let mut page = document.start_page_with(size);
    let links = add_links(&mut page, layout, &contents.address)?;
    let mut writer = PartWriter {
        surface: page.surface(),
        fonts,
        pictures,
        contents,
        links,
        tree: TagTree::new().with_lang(Some(LANGUAGE.into())),
    };
    let mut outline = Outline::new();
    for part in &layout.parts {
        if let Part::Title(lines) | Part::Heading(lines) = part {
            outline.push_child(list_in_outline(lines));
        }
        writer.write_part(part)?;
    }
    let tree = writer.finish();
    page.finish();
    document.set_tag_tree(tree);
    document.set_outline(outline);
    Ok(document)
}

fn reject_size() -> PdfError {
    PdfError::Write("a size is not a number".into())
}

fn describe(contents: &PaperContents) -> Metadata {
    let day = contents.day;
    let small = |number: u32| u8::try_from(number).unwrap_or(1);
    let created = DateTime::new(u16::try_from(day.year()).unwrap_or(0))
        .month(small(day.month()))
        .day(small(day.day()))
        .utc_offset_hour(0);
    Metadata::new()
        .title(contents.title.clone())
        .authors(vec![AUTHOR.into()])
        .creator(AUTHOR.into())
        .description(contents.basis.clone())
        .language(LANGUAGE.into())
        .creation_date(created)
}

fn list_in_outline(lines: &Lines) -> OutlineNode {
    let top = lines.first().map_or(0.0, |line| line.baseline - line.style.size);
    let left = lines.first().map_or(0.0, |line| line.left);
    let destination = XyzDestination::new(0, Point::from_xy(left, top));
    OutlineNode::new(join_lines(lines), destination)
}

fn join_lines(lines: &Lines) -> String {
    lines.iter().map(|line| line.text.as_str()).collect()
}

/// Makes links of the lines that are ones. Their order is that of the lines.
fn add_links(page: &mut Page<'_>, layout: &Layout, address: &str) -> Result<VecDeque<Identifier>, PdfError> {
    let paragraphs = layout.parts.iter().filter_map(|part| match part {
        Part::Paragraph(lines) => Some(lines),
        _ => None,
    });
    let links = paragraphs.flatten().filter_map(|line| line.link);
    links
        .map(|area| {
            let rectangle = to_rectangle(area)?;
            let target = Target::Action(Action::Link(LinkAction::new(address.to_owned())));
            let link = LinkAnnotation::new(rectangle, target);
            Ok(page.add_tagged_annotation(Annotation::new_link(link, Some(address.to_owned()))))
        })
        .collect()
}

fn to_rectangle(area: Area) -> Result<Rect, PdfError> {
    Rect::from_xywh(area.left, area.top, area.width, area.height).ok_or_else(reject_size)
}

fn fill(tone: Tone) -> Fill {
    Fill {
        paint: luma::Color::new(tone.lightness()).into(),
        ..Fill::default()
    }
}

/// The fonts, to set texts.
struct PaperFonts {
    regular: Font,
    bold: Font,
}

impl PaperFonts {
    fn load() -> Result<Self, PdfError> {
        let load = |font: &'static [u8]| Font::new(font.into(), 0).ok_or(PdfError::Font);
        Ok(Self {
            regular: load(REGULAR_FONT)?,
            bold: load(BOLD_FONT)?,
        })
    }
}

/// Draws parts, and lists them in the tree of tags.
struct PartWriter<'a> {
    surface: Surface<'a>,
    fonts: &'a PaperFonts,
    pictures: &'a [Tree],
    contents: &'a PaperContents,
    /// The links that are not in the tree yet.
    links: VecDeque<Identifier>,
    tree: TagTree,
}

impl PartWriter<'_> {
    fn finish(self) -> TagTree {
        self.surface.finish();
        self.tree
    }

    fn write_part(&mut self, part: &Part) -> Result<(), PdfError> {
        let group = match part {
            Part::Rule(area) => return self.draw_rule(*area),
            Part::Title(lines) => self.write_heading(1, lines),
            Part::Heading(lines) => self.write_heading(2, lines),
            Part::Paragraph(lines) => self.write_lines(Tag::P, lines),
            Part::List(items) => self.write_list(items),
            Part::Table(table) => self.write_table(table),
            Part::Picture(placed) => return self.write_picture(placed),
        };
        self.tree.push(group);
        Ok(())
    }

    /// Draws a line that screen readers skip.
    fn draw_rule(&mut self, area: Area) -> Result<(), PdfError> {
        let mut path = PathBuilder::new();
        path.push_rect(to_rectangle(area)?);
        let path = path.finish().ok_or_else(reject_size)?;
        let artifact = Artifact::with_kind(ArtifactType::Layout);
        self.surface.start_tagged(ContentTag::Artifact(artifact));
        self.surface.set_fill(Some(fill(Tone::Line)));
        self.surface.draw_path(&path);
        self.surface.end_tagged();
        Ok(())
    }

    fn write_heading(&mut self, level: u16, lines: &Lines) -> TagGroup {
        let level = NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN);
        self.write_lines(Tag::Hn(level, Some(join_lines(lines))), lines)
    }

    fn write_lines(&mut self, tag: impl Into<TagKind>, lines: &Lines) -> TagGroup {
        let mut group = TagGroup::new(tag);
        for line in lines {
            let drawn = self.draw_line(line);
            let link = line.link.and_then(|_| self.links.pop_front());
            match link {
                Some(link) => {
                    group.push(TagGroup::with_children(
                        Tag::Link,
                        vec![drawn.into(), link.into()],
                    ));
                }
                None => group.push(drawn),
            }
        }
        group
    }

    fn draw_line(&mut self, line: &Line) -> Identifier {
        let font = if line.style.is_bold {
            &self.fonts.bold
        } else {
            &self.fonts.regular
        };
        let start = Point::from_xy(line.left, line.baseline);
        let drawn = self.surface.start_tagged(ContentTag::Span(SpanTag::empty()));
        self.surface.set_fill(Some(fill(line.style.tone)));
        self.surface.draw_text(
            start,
            font.clone(),
            line.style.size,
            &line.text,
            false,
            TextDirection::LeftToRight,
        );
        self.surface.end_tagged();
        drawn
    }

    fn write_list(&mut self, items: &[ListItem]) -> TagGroup {
        let mut list = TagGroup::new(Tag::L(ListNumbering::Disc));
        for item in items {
            let bullet = self.draw_line(&item.bullet);
            let label = TagGroup::with_children(Tag::Lbl, vec![bullet.into()]);
            let body = self.write_lines(Tag::LBody, &item.lines);
            list.push(TagGroup::with_children(Tag::LI, vec![label.into(), body.into()]));
        }
        list
    }

    fn write_table(&mut self, table: &Table) -> TagGroup {
        let caption = self.write_lines(Tag::Caption, &table.caption);
        let mut headings = TagGroup::new(Tag::TR);
        for heading in &table.headings {
            headings.push(self.write_lines(Tag::TH(TableHeaderScope::Column), heading));
        }
        let mut body = TagGroup::new(Tag::TBody);
        for row in &table.rows {
            let mut cells = TagGroup::new(Tag::TR);
            for (at, cell) in row.iter().enumerate() {
                cells.push(if at == 0 {
                    self.write_lines(Tag::TH(TableHeaderScope::Row), cell)
                } else {
                    self.write_lines(Tag::TD, cell)
                });
            }
            body.push(cells);
        }
        let head = TagGroup::with_children(Tag::THead, vec![headings.into()]);
        TagGroup::with_children(Tag::Table, vec![caption.into(), head.into(), body.into()])
    }

    /// Draws a picture with its caption. Its description has the title too, because some screen readers read nothing else of
    /// a picture.
    fn write_picture(&mut self, placed: &PlacedPicture) -> Result<(), PdfError> {
        let pair = self
            .pictures
            .get(placed.at)
            .zip(self.contents.pictures.get(placed.at));
        let Some((tree, picture)) = pair else {
            return Ok(());
        };
        let caption = self.write_lines(Tag::Caption, &placed.caption);
        let Area {
            left,
            top,
            width,
            height,
        } = placed.area;
        let size = Size::from_wh(width, height).ok_or_else(reject_size)?;
        let drawn = self.surface.start_tagged(ContentTag::Other);
        self.surface.push_transform(&Transform::from_translate(left, top));
        let is_drawn = self.surface.draw_svg(tree, size, SvgSettings::default());
        self.surface.pop();
        self.surface.end_tagged();
        is_drawn.ok_or_else(reject_size)?;
        let description = format!("{}. {}", picture.title, picture.description);
        let tag = Tag::Figure(Some(description)).with_bbox(Some(BBox::new(0, to_rectangle(placed.area)?)));
        self.tree
            .push(TagGroup::with_children(tag, vec![caption.into(), drawn.into()]));
        if !placed.source.is_empty() {
            let source = self.write_lines(Tag::P, &placed.source);
            self.tree.push(source);
        }
        Ok(())
    }
}
