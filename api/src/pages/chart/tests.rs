//! What is so of every picture, whatever it shows: well-formed, with a title and a description, everything within
//! its edges and no text on another.

use proptest::{collection::vec, option, prelude::*};
use resvg::usvg::roxmltree::{Document, Node};

use super::*;

/// A text of a picture as the widest font draws it.
#[derive(Debug)]
struct TextBox {
    text: String,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl TextBox {
    fn read(node: Node<'_, '_>) -> Self {
        let number = |name: &str| -> f64 { node.attribute(name).unwrap().parse().unwrap() };
        let size = number("font-size");
        assert!(
            [TEXT_SIZE, SMALL_SIZE].contains(&size),
            "texts have two sizes: {node:?}"
        );
        let font = Font {
            size,
            is_bold: node.attribute("font-weight") == Some("700"),
        };
        let text = node.text().unwrap_or_default().to_owned();
        let (x, baseline, width) = (number("x"), number("y"), font.measure(&text));
        let left = match node.attribute("text-anchor") {
            Some("middle") => x - width / 2.0,
            Some("end") => x - width,
            _ => x,
        };
        Self {
            text,
            left,
            right: left + width,
            top: baseline - font.size * 0.75,
            bottom: baseline + font.size * 0.2,
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        const SLACK: f64 = 0.5;
        self.left + SLACK < other.right
            && other.left + SLACK < self.right
            && self.top + SLACK < other.bottom
            && other.top + SLACK < self.bottom
    }
}

/// The corners of what a shape covers, without its outline.
fn read_points(node: Node<'_, '_>) -> Vec<(f64, f64)> {
    let number = |name: &str| -> f64 { node.attribute(name).map_or(0.0, |text| text.parse().unwrap()) };
    match node.tag_name().name() {
        "rect" => {
            let (x, y, width, height) = (number("x"), number("y"), number("width"), number("height"));
            assert!(width >= 0.0 && height >= 0.0, "a rectangle has a negative size");
            vec![(x, y), (x + width, y + height)]
        }
        "line" => vec![(number("x1"), number("y1")), (number("x2"), number("y2"))],
        "circle" => {
            let (x, y, radius) = (number("cx"), number("cy"), number("r"));
            vec![(x - radius, y - radius), (x + radius, y + radius)]
        }
        "polygon" | "polyline" => {
            let points = node.attribute("points").unwrap().split(' ');
            points
                .map(|point| {
                    let (x, y) = point.split_once(',').unwrap();
                    (x.parse().unwrap(), y.parse().unwrap())
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

fn find_child<'a>(node: Node<'a, 'a>, name: &str) -> Node<'a, 'a> {
    node.children()
        .find(|child| child.tag_name().name() == name)
        .unwrap_or_else(|| panic!("there is no <{name}>"))
}

fn assert_is_sound(picture: &Picture) {
    let document = Document::parse(&picture.svg).expect("the SVG is well-formed");
    let root = document.root_element();
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    assert_eq!(
        root.attribute("viewBox").unwrap(),
        format!("0 0 {width} {height}")
    );
    assert_eq!(root.attribute("role"), Some("img"));
    for (reference, name, text) in [
        ("aria-labelledby", "title", &picture.title),
        ("aria-describedby", "desc", &picture.description),
    ] {
        let child = find_child(root, name);
        assert_eq!(child.attribute("id"), root.attribute(reference));
        assert_eq!(&child.text().unwrap_or_default(), text);
    }

    let mut texts: Vec<TextBox> = Vec::new();
    for node in root.descendants().filter(Node::is_element) {
        assert!(!["style", "script", "image", "a"].contains(&node.tag_name().name()));
        assert!(node.attribute("style").is_none());
        assert!(
            node.attributes()
                .all(|attribute| !attribute.name().starts_with("on"))
        );
        if node
            .ancestors()
            .any(|ancestor| ancestor.tag_name().name() == "defs")
        {
            continue;
        }
        for (x, y) in read_points(node) {
            assert!(x.is_finite() && y.is_finite());
            assert!(
                (-0.01..=width + 0.01).contains(&x),
                "x = {x} is beyond {width}: {node:?}"
            );
            assert!(
                (-0.01..=height + 0.01).contains(&y),
                "y = {y} is beyond {height}: {node:?}"
            );
        }
        if node.tag_name().name() == "text" {
            let text = TextBox::read(node);
            let is_inside = text.left >= -0.5
                && text.right <= width + 0.5
                && text.top >= -0.5
                && text.bottom <= height + 0.5;
            assert!(is_inside, "{text:?} is not within {width} by {height}");
            for other in &texts {
                assert!(
                    !text.overlaps(other),
                    "“{}” is on “{}”: {text:?}, {other:?}",
                    text.text,
                    other.text
                );
            }
            texts.push(text);
        }
    }
}

fn assert_table_is_even(table: &PictureTable) {
    for row in &table.rows {
        assert_eq!(row.len(), table.headers.len());
    }
}

/// Labels from none to very long ones, with characters that XML gives a meaning.
fn any_label() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z]{0,12}",
        "([A-Za-z&<>\"']{1,9} ){1,14}",
        "[MW]{30,80}",
        "[А-яé—“”]{1,30}",
    ]
}

fn any_rate() -> impl Strategy<Value = Option<Interval>> {
    let number =
        || prop_oneof![8 => 0.0..=1.0, 1 => -1.0..2.0, 1 => Just(f64::NAN), 1 => Just(0.0), 1 => Just(1.0)];
    option::weighted(
        0.85,
        (number(), number(), number()).prop_map(|(value, lower, upper)| Interval { value, lower, upper }),
    )
}

fn any_count() -> impl Strategy<Value = MosaicCount> {
    prop_oneof![
        1 => Just(None),
        2 => Just(Some(0)),
        3 => (0_u64..20).prop_map(Some),
        3 => (0_u64..2_000_000).prop_map(Some),
    ]
    .prop_map(MosaicCount::from)
}

prop_compose! {
    fn any_bar()(label in any_label(), rate in any_rate(), value_text in any_label(),
                 detail in option::of(any_label()), is_emphasised: bool) -> RateBar {
        RateBar { label, rate, value_text, detail, is_emphasised }
    }
}

prop_compose! {
    fn any_row()(label in any_label(), first in any_rate(), second in any_rate(), detail in option::of(any_label()),
                 state in prop_oneof![Just(DotState::Shown), Just(DotState::FewRecords), Just(DotState::Suppressed)])
                 -> DotRow {
        DotRow { label, first, second, detail, state }
    }
}

prop_compose! {
    fn any_point()(label in any_label(), first in any_rate(), second in any_rate()) -> TrendPoint {
        TrendPoint { label, first, second }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bars_are_sound(title in any_label(), bars in vec(any_bar(), 0..6)) {
        let picture = RateBars { title, description: "Bars".to_owned(), bars };
        assert_table_is_even(&picture.table());
        for width in PictureWidth::BOTH {
            assert_is_sound(&picture.render("bars", width));
        }
    }

    #[test]
    fn dot_plots_are_sound(first_label in any_label(), second_label in option::of(any_label()),
                           rows in vec(any_row(), 0..61)) {
        let (title, description) = ("Dots".to_owned(), String::new());
        let picture = DotPlot { title, description, first_label, second_label, rows };
        assert_table_is_even(&picture.table());
        for width in PictureWidth::BOTH {
            assert_is_sound(&picture.render("dots", width));
        }
    }

    #[test]
    fn mosaics_are_sound(when_label in any_label(), then_label in any_label(),
                         [both, when_only, then_only, neither, unknown] in [any_count(), any_count(), any_count(),
                                                                            any_count(), any_count()]) {
        let (title, description) = ("Mosaic".to_owned(), "Areas".to_owned());
        let picture = Mosaic {
            title, description, when_label, then_label, both, when_only, then_only, neither, unknown,
        };
        assert_table_is_even(&picture.table());
        for width in PictureWidth::BOTH {
            assert_is_sound(&picture.render("mosaic", width));
        }
    }

    #[test]
    fn trends_are_sound(first_label in any_label(), second_label in option::of(any_label()),
                        points in vec(any_point(), 0..30)) {
        let (title, description) = ("Trend".to_owned(), "Lines".to_owned());
        let picture = Trend { title, description, first_label, second_label, points };
        assert_table_is_even(&picture.table());
        for width in PictureWidth::BOTH {
            assert_is_sound(&picture.render("trend", width));
        }
    }
}

fn build_bars() -> RateBars {
    let rate = |value, lower, upper| Some(Interval { value, lower, upper });
    RateBars {
        title: "Reports & <steps>".to_owned(),
        description: "\"57\" against '31'".to_owned(),
        bars: vec![
            RateBar {
                label: "Reports every fortnight".to_owned(),
                rate: rate(0.57, 0.52, 0.62),
                value_text: "57 in 100".to_owned(),
                detail: Some("264 of 463".to_owned()),
                is_emphasised: true,
            },
            RateBar {
                label: "The rest".to_owned(),
                rate: None,
                value_text: String::new(),
                detail: None,
                is_emphasised: false,
            },
        ],
    }
}

fn build_mosaic(counts: [Option<u64>; 5]) -> Mosaic {
    let [both, when_only, then_only, neither, unknown] = counts.map(MosaicCount::from);
    Mosaic {
        title: "Mosaic".to_owned(),
        description: String::new(),
        when_label: "When".to_owned(),
        then_label: "Then".to_owned(),
        both,
        when_only,
        then_only,
        neither,
        unknown,
    }
}

/// The sizes of the rectangles that have a class.
fn find_areas(picture: &Picture, class: &str) -> Vec<f64> {
    let document = Document::parse(&picture.svg).unwrap();
    document
        .descendants()
        .filter(|node| node.tag_name().name() == "rect" && node.attribute("rx").is_none())
        .filter(|node| {
            node.attribute("class")
                .is_some_and(|classes| classes.split(' ').any(|one| one == class))
        })
        .map(|node| {
            let number = |name: &str| -> f64 { node.attribute(name).unwrap().parse().unwrap() };
            number("width") * number("height")
        })
        .collect()
}

#[test]
fn a_bar_is_as_long_as_its_rate_and_its_interval_is_on_the_same_axis() {
    let picture = build_bars().render("bars", PictureWidth::Wide);
    let document = Document::parse(&picture.svg).unwrap();
    let number = |node: Node<'_, '_>, name: &str| -> f64 { node.attribute(name).unwrap().parse().unwrap() };
    let with_class = |class: &str| {
        document
            .descendants()
            .filter(|node| node.attribute("class") == Some(class))
            .collect::<Vec<_>>()
    };
    let zero = number(with_class("l-axis")[0], "x1");
    let hundred = with_class("l-grid")
        .iter()
        .map(|node| number(*node, "x1"))
        .fold(0.0, f64::max);
    let place = |fraction: f64| zero + fraction * (hundred - zero);
    let bar = with_class("c-first")[0];
    assert!((number(bar, "x") + number(bar, "width") - place(0.57)).abs() < 0.02);
    let interval = with_class("l-ink")[0];
    assert!((number(interval, "x1") - place(0.52)).abs() < 0.02);
    assert!((number(interval, "x2") - place(0.62)).abs() < 0.02);
}

#[test]
fn texts_are_escaped_in_the_picture_and_say_that_a_rate_is_missing() {
    let picture = build_bars().render("bars", PictureWidth::Narrow);
    assert!(picture.svg.contains("Reports &amp; &lt;steps&gt;"));
    assert!(picture.svg.contains("&quot;57&quot; against &#39;31&#39;"));
    assert!(picture.svg.contains("cannot be shown"));
}

#[test]
fn ids_of_both_widths_differ() {
    let bars = build_bars();
    let wide = bars.render("a", PictureWidth::Wide).svg;
    let narrow = bars.render("a", PictureWidth::Narrow).svg;
    assert!(wide.contains("id=\"picture-a-wide-title\""));
    assert!(narrow.contains("id=\"picture-a-narrow-title\""));
}

#[test]
fn areas_of_a_mosaic_are_in_proportion_to_the_counts() {
    let counts = [Some(400), Some(600), Some(500), Some(1500), Some(1000)];
    let picture = build_mosaic(counts).render("m", PictureWidth::Wide);
    let so = find_areas(&picture, "c-first");
    assert_eq!(so.len(), 2);
    assert!((so[0] / so[1] - 400.0 / 500.0).abs() < 0.01, "{so:?}");
    let not_so = find_areas(&picture, "c-cell");
    assert!(
        (not_so[0] / not_so[1] - 600.0 / 1500.0).abs() < 0.01,
        "{not_so:?}"
    );
}

#[test]
fn a_suppressed_count_hides_the_sizes_of_the_others() {
    let [one, other] = [40, 400].map(|both| {
        let counts = [Some(both), None, Some(500), Some(1500), Some(0)];
        build_mosaic(counts).render("m", PictureWidth::Wide)
    });
    assert_eq!(find_areas(&one, "c-first"), find_areas(&other, "c-first"));
    assert!(one.svg.contains("may not be shown"));
    assert!(one.svg.contains("The areas do not show sizes"));
    assert_eq!(build_mosaic([None; 5]).table().rows[0][1], "may not be shown");
}

#[test]
fn a_suppressed_row_shows_no_rate_even_if_it_has_one() {
    let rate = Some(Interval {
        value: 0.4,
        lower: 0.2,
        upper: 0.6,
    });
    let plot = DotPlot {
        title: "Dots".to_owned(),
        description: String::new(),
        first_label: "Rate".to_owned(),
        second_label: None,
        rows: vec![DotRow {
            label: "Leeds".to_owned(),
            first: rate,
            second: None,
            detail: None,
            state: DotState::Suppressed,
        }],
    };
    assert_eq!(plot.table().rows, [["Leeds", "may not be shown"]]);
    let picture = plot.render("dots", PictureWidth::Wide);
    assert!(picture.svg.contains("may not be shown"));
    assert_eq!(
        picture.svg.matches("<circle").count(),
        1,
        "the legend has the only dot"
    );
}

#[test]
fn a_line_has_a_gap_where_there_is_no_rate() {
    let rate = Some(Interval {
        value: 0.4,
        lower: 0.2,
        upper: 0.6,
    });
    let points = [rate, rate, None, rate, rate, rate];
    let points = points.into_iter().enumerate().map(|(index, first)| TrendPoint {
        label: format!("{}", 2015 + index),
        first,
        second: None,
    });
    let trend = Trend {
        title: "Trend".to_owned(),
        description: String::new(),
        first_label: "Rate".to_owned(),
        second_label: None,
        points: points.collect(),
    };
    let picture = trend.render("trend", PictureWidth::Wide);
    assert_eq!(picture.svg.matches("<polyline").count(), 2);
    assert_eq!(picture.svg.matches("<circle").count(), 5);
    assert_eq!(trend.table().rows[2], ["2017", "no rate"]);
    assert_eq!(trend.table().rows[0], ["2015", "40 in 100 (20 to 60)"]);
}

#[test]
fn a_picture_on_its_own_says_what_was_asked_and_where_it_is_from_and_becomes_a_png() {
    let picture = build_bars().render("bars", PictureWidth::Wide);
    let footer = PictureFooter {
        question: "Among those in Wales: how many? Grouped by region.".to_owned(),
        source: "Wayin <&>".to_owned(),
        licence: "CC BY 4.0".to_owned(),
        date: "1 April 2020".to_owned(),
        ..PictureFooter::default()
    };
    let svg = standalone_svg(&picture, &footer);
    Document::parse(&svg).expect("the SVG is well-formed");
    for text in [
        "Question: Among those in Wales: how many? Grouped by region.",
        "Source: Wayin &lt;&amp;&gt;",
        "Licence: CC BY 4.0",
        "Date: 1 April 2020",
        "57 in 100",
    ] {
        assert!(svg.contains(text), "{text} is not in the picture");
    }
    assert!(!svg.contains("Basis"));
    let png = render_png(&svg, 2.0).unwrap();
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
    assert_eq!(width, 2 * (640 + 56));
}

#[test]
fn fractions_are_out_of_100_and_never_seem_none_or_all() {
    for (fraction, text) in [
        (0.0, "0"),
        (0.0004, "0.1"),
        (0.006, "0.6"),
        (0.565, "56"),
        (0.9996, "99.9"),
        (1.0, "100"),
    ] {
        assert_eq!(format_out_of_100(fraction), text);
    }
}
