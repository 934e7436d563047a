use super::layout::{Area, BOTTOM, LEFT, Layout, Line, Part, RIGHT};
use super::*;
use crate::pages::chart::bars::{RateBar, RateBars};
use crate::pages::chart::{Interval, PictureWidth};

const ADDRESS: &str = "https://wayin.example.org/portfolio/board-paper?scope=VISIBLE";
const LONG_NAME: &str = "The Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch and District Foundation for \
                         Neighbourhoods, Networks, Navigation, Nourishment and Needlework of the North West (Incorporated)";

fn draw_picture(title: &str) -> PaperPicture {
    let bar = |label: &str, value: f64| RateBar {
        label: label.into(),
        rate: Some(Interval {
            value,
            lower: value - 0.1,
            upper: value + 0.1,
        }),
        value_text: format!("{:.0} in 100", value * 100.0),
        detail: Some("264 of 463".into()),
        is_emphasised: true,
    };
    let bars = RateBars {
        title: title.into(),
        description: "More of our initiatives did.".into(),
        bars: vec![bar("Your portfolio", 0.57), bar("The rest", 0.3)],
    };
    let picture = bars.render(title, PictureWidth::Narrow);
    PaperPicture {
        svg: picture.svg,
        width: picture.width as f32,
        height: picture.height as f32,
        title: picture.title,
        description: picture.description,
        source: format!("The initiatives that the organisation funds. {title}."),
    }
}

fn fill_row(title: &str, verdict: &str) -> AnswerRow {
    let cells = [title, "57 in 100", "30 in 100", "may not be shown", verdict];
    AnswerRow {
        cells: cells.map(str::to_owned),
        is_clear: verdict == "Clear difference",
    }
}

/// The paper of an organisation with a number of cautions of about two lines.
fn fill_paper(owner: &str, cautions: usize) -> PaperContents {
    let title = format!("How the initiatives of {owner} compare");
    let caution = |at| {
        format!(
            "Caution {at}: {}",
            "a condition is not known for 950 initiatives, ".repeat(4)
        )
        .trim_end_matches(", ")
        .to_owned()
            + "."
    };
    PaperContents {
        basis: "1 December 2026. The records that you can read in full, as of 1 December 2026 (change 9)."
            .into(),
        illustrative_mark: Some(("All of it is made up.", "It describes no real initiative.")),
        headlines: ["ambitions", "funding", "research"]
            .map(|subject| {
                format!("Initiatives of {owner} differ clearly in {subject}: 57 in 100 against 30 in 100.")
            })
            .into(),
        table_caption: "Ours against the rest",
        table_headings: ["Initiatives that…", "Ours", "The rest", "Not known", "Verdict"],
        rows: vec![
            fill_row("Rushed or skipped defining ambitions", "Clear difference"),
            fill_row("Took time to understand the local system", "No clear difference"),
            fill_row(
                "Skipped fostering the conditions for change",
                "Depends on what is not known",
            ),
            fill_row("Changed governance, at least in part", "Too little is known"),
            fill_row(
                "Had some funding of 18 months or less",
                "Suppressed, so that no record can be recognised",
            ),
        ],
        pictures: ["Ambitions", "Funding", "Grants by length"]
            .map(draw_picture)
            .into(),
        caution_heading: "Before you use this",
        first_caution: "A difference does not show what causes it.",
        cautions: (0..cautions).map(caution).collect(),
        citation: format!(
            "Cite as: Wayin, “{title}”, read on 1 December 2026. {ADDRESS}. Licence: CC BY 4.0."
        ),
        address: ADDRESS.into(),
        day: NaiveDate::from_ymd_opt(2026, 12, 1).unwrap(),
        title,
    }
}

/// Papers with texts of all lengths.
fn list_papers() -> Vec<PaperContents> {
    let mut papers = Vec::new();
    for owner in ["Mersey Foundation", LONG_NAME] {
        for cautions in [0, 4, 40] {
            papers.push(fill_paper(owner, cautions));
            papers.push(PaperContents {
                pictures: vec![draw_picture("Ambitions"), draw_picture("Funding")],
                ..fill_paper(owner, cautions)
            });
        }
        papers.push(PaperContents {
            pictures: Vec::new(),
            rows: Vec::new(),
            headlines: vec!["No answer shows a clear difference.".into()],
            illustrative_mark: None,
            ..fill_paper(owner, 0)
        });
    }
    papers
}

fn place(contents: &PaperContents) -> Layout {
    lay_out(contents, &FontMetrics::load().unwrap()).unwrap()
}

fn list_lines(part: &Part) -> Vec<&Line> {
    match part {
        Part::Rule(_) => Vec::new(),
        Part::Title(lines) | Part::Heading(lines) | Part::Paragraph(lines) => lines.iter().collect(),
        Part::List(items) => items
            .iter()
            .flat_map(|item| std::iter::once(&item.bullet).chain(&item.lines))
            .collect(),
        Part::Table(table) => {
            let cells = table.headings.iter().chain(table.rows.iter().flatten());
            table.caption.iter().chain(cells.flatten()).collect()
        }
        Part::Picture(picture) => picture.caption.iter().chain(&picture.source).collect(),
    }
}

/// The text of the page, with the end of a line where there is one.
fn read_text(layout: &Layout) -> String {
    let lines = layout.parts.iter().flat_map(list_lines);
    lines.map(|line| line.text.as_str()).collect()
}

fn list_pictures(layout: &Layout) -> Vec<Area> {
    let pictures = layout.parts.iter().filter_map(|part| match part {
        Part::Picture(picture) => Some(picture.area),
        _ => None,
    });
    pictures.collect()
}

/// What every text and picture takes of the page.
fn list_areas(layout: &Layout) -> Vec<(String, Area)> {
    let metrics = FontMetrics::load().unwrap();
    let lines = layout.parts.iter().flat_map(list_lines).map(|line| {
        let area = Area {
            left: line.left,
            top: line.baseline - line.style.size * 0.8,
            width: metrics.measure(line.style, line.text.trim_end()),
            height: line.style.size,
        };
        (line.text.clone(), area)
    });
    let pictures = list_pictures(layout).into_iter();
    lines
        .chain(pictures.map(|area| ("a picture".into(), area)))
        .collect()
}

fn overlap(one: Area, other: Area) -> bool {
    const TOUCH: f32 = 0.1;
    one.left + one.width > other.left + TOUCH
        && other.left + other.width > one.left + TOUCH
        && one.top + one.height > other.top + TOUCH
        && other.top + other.height > one.top + TOUCH
}

fn contains(pdf: &[u8], text: &str) -> bool {
    pdf.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn everything_is_within_the_page_and_nothing_overlaps() {
    for contents in list_papers() {
        let areas = list_areas(&place(&contents));
        for (at, (text, area)) in areas.iter().enumerate() {
            assert!(
                area.left >= LEFT && area.left + area.width <= RIGHT + 1.0,
                "{text}: {area:?}"
            );
            assert!(
                area.top > 0.0 && area.top + area.height <= BOTTOM,
                "{text}: {area:?}"
            );
            for (other_text, other) in &areas[at + 1..] {
                assert!(
                    !overlap(*area, *other),
                    "{text}: {area:?}; {other_text}: {other:?}"
                );
            }
        }
    }
}

#[test]
fn a_paper_has_one_page_however_long_its_texts_are() {
    for contents in list_papers() {
        let pdf = write_pdf(&contents).unwrap();
        assert!(pdf.starts_with(b"%PDF-1.7"));
        assert!(contains(&pdf, "/Type/Pages/Count 1/"));
    }
}

#[test]
fn a_paper_with_space_has_all_texts() {
    let contents = fill_paper("Mersey Foundation", 2);
    let text = read_text(&place(&contents));
    let row = contents.rows.iter().flat_map(|row| &row.cells);
    let texts = [&contents.title, &contents.basis, &contents.citation].into_iter();
    for expected in texts
        .chain(&contents.headlines)
        .chain(&contents.cautions)
        .chain(row)
    {
        assert!(text.contains(expected.as_str()), "{expected} is not in {text}");
    }
    assert!(text.contains("All of it is made up."));
    assert!(!text.contains("more caution"));
}

#[test]
fn cautions_are_left_out_before_pictures_get_smaller() {
    let full = list_pictures(&place(&fill_paper("Mersey Foundation", 0)));
    let layout = place(&fill_paper("Mersey Foundation", 40));
    let text = read_text(&layout);
    assert!(
        text.contains("A difference does not show what causes it. Caution 0:"),
        "{text}"
    );
    assert!(
        text.contains(&format!("more cautions are at {ADDRESS}.")),
        "{text}"
    );
    let widths = |areas: &[Area]| areas.iter().map(|area| area.width).collect::<Vec<_>>();
    assert_eq!(widths(&list_pictures(&layout)), widths(&full));

    let long = "It differs clearly from the others in many ways. ".repeat(18);
    let layout = place(&PaperContents {
        headlines: vec![long],
        ..fill_paper("Mersey Foundation", 1)
    });
    assert!(read_text(&layout).contains(&format!("One more caution is at {ADDRESS}.")));
    assert!(list_pictures(&layout)[0].width < full[0].width);
}

#[test]
fn texts_without_end_are_refused() {
    let contents = PaperContents {
        headlines: vec!["It differs. ".repeat(2_000)],
        ..fill_paper("Mersey Foundation", 1)
    };
    assert!(matches!(write_pdf(&contents), Err(PdfError::DoesNotFit)));
}

#[test]
fn the_address_is_a_link_where_it_is_one() {
    let count_links = |contents: &PaperContents| {
        let layout = place(contents);
        let lines = layout.parts.iter().flat_map(list_lines);
        lines.filter(|line| line.link.is_some()).count()
    };
    let contents = fill_paper("Mersey Foundation", 40);
    assert_eq!(count_links(&contents), 2);
    let pdf = write_pdf(&contents).unwrap();
    assert!(contains(&pdf, &format!("/URI({ADDRESS})")));
    let without_host = PaperContents {
        address: "/portfolio/board-paper".into(),
        ..contents
    };
    assert_eq!(count_links(&without_host), 0);
}

#[test]
fn the_same_paper_gives_the_same_accessible_pdf() {
    let contents = fill_paper("Mersey Foundation", 2);
    let pdf = write_pdf(&contents).unwrap();
    assert_eq!(pdf, write_pdf(&contents).unwrap());
    for text in [
        "/Lang(en-GB)",
        "/Title(How the initiatives of Mersey Foundation compare)",
        "/Author(Wayin)",
        "/CreationDate(D:20261201000000Z)",
        "pdfuaid:part",
        "/S/H1/",
        "/S/TH/",
        "/Alt(Ambitions. More of our initiatives did.)",
    ] {
        assert!(contains(&pdf, text), "{text}");
    }
}

#[test]
fn a_name_that_the_font_cannot_write_gives_a_pdf_all_the_same() {
    let pdf = write_pdf(&fill_paper("会社 \u{1f600} \u{0}", 1)).unwrap();
    assert!(contains(&pdf, "/Type/Pages/Count 1/"));
    assert!(!contains(&pdf, "pdfuaid:part"));
}

#[test]
fn what_is_no_picture_is_refused() {
    let mut contents = fill_paper("Mersey Foundation", 1);
    contents.pictures[0].svg = "no picture".into();
    assert!(matches!(write_pdf(&contents), Err(PdfError::Picture(_))));
}
