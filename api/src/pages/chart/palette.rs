//! The colours of pictures. Each has a class, so that a stylesheet can replace it in the dark scheme, and a
//! light value in the SVG itself, so that a picture on its own looks right. The two series differ for readers
//! who do not see colours well: dark blue and burnt orange also differ in lightness in grey.

use std::fmt::Write as _;

/// One colour of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Text and interval lines.
    Ink,
    /// Text of less weight: ticks, details, notes.
    Quiet,
    /// Lines of the grid.
    Grid,
    /// The zero line, outlines and hatching.
    Axis,
    /// What the picture is on.
    Paper,
    /// The first series, and what is emphasised.
    First,
    /// The first series where it rests on few records.
    FirstFaded,
    /// The second series.
    Second,
    /// The second series where it rests on few records.
    SecondFaded,
    /// A bar that is not emphasised.
    Rest,
    /// A pale area.
    Cell,
}

impl Colour {
    pub const ALL: [Self; 11] = [
        Self::Ink,
        Self::Quiet,
        Self::Grid,
        Self::Axis,
        Self::Paper,
        Self::First,
        Self::FirstFaded,
        Self::Second,
        Self::SecondFaded,
        Self::Rest,
        Self::Cell,
    ];

    /// The class of shapes and texts that are filled with the colour.
    pub fn fill_class(self) -> &'static str {
        match self {
            Self::Ink => "c-ink",
            Self::Quiet => "c-quiet",
            Self::Grid => "c-grid",
            Self::Axis => "c-axis",
            Self::Paper => "c-paper",
            Self::First => "c-first",
            Self::FirstFaded => "c-first-faded",
            Self::Second => "c-second",
            Self::SecondFaded => "c-second-faded",
            Self::Rest => "c-rest",
            Self::Cell => "c-cell",
        }
    }

    /// The class of lines and outlines in the colour.
    pub fn line_class(self) -> &'static str {
        match self {
            Self::Ink => "l-ink",
            Self::Quiet => "l-quiet",
            Self::Grid => "l-grid",
            Self::Axis => "l-axis",
            Self::Paper => "l-paper",
            Self::First => "l-first",
            Self::FirstFaded => "l-first-faded",
            Self::Second => "l-second",
            Self::SecondFaded => "l-second-faded",
            Self::Rest => "l-rest",
            Self::Cell => "l-cell",
        }
    }

    /// The value on white.
    pub fn light(self) -> &'static str {
        match self {
            Self::Ink => "#1d2329",
            Self::Quiet => "#59626d",
            Self::Grid => "#e4e7eb",
            Self::Axis => "#878f99",
            Self::Paper => "#ffffff",
            Self::First => "#1c7591",
            Self::FirstFaded => "#5f98ab",
            Self::Second => "#b54d00",
            Self::SecondFaded => "#c98049",
            Self::Rest => "#8a929c",
            Self::Cell => "#e6ebf0",
        }
    }

    /// The value on a dark page.
    pub fn dark(self) -> &'static str {
        match self {
            Self::Ink => "#e9f0ee",
            Self::Quiet => "#aebbb8",
            Self::Grid => "#2f3c3a",
            Self::Axis => "#7e8b88",
            Self::Paper => "#111918",
            Self::First => "#62b4cb",
            Self::FirstFaded => "#43849a",
            Self::Second => "#f19c4d",
            Self::SecondFaded => "#b0713a",
            Self::Rest => "#87909a",
            Self::Cell => "#263331",
        }
    }
}

/// The rules that give pictures their dark colours, for a stylesheet to put into its dark scheme.
pub fn render_dark_rules() -> String {
    let mut rules = String::new();
    for colour in Colour::ALL {
        let (fill, line, dark) = (colour.fill_class(), colour.line_class(), colour.dark());
        // Writing to a string cannot fail.
        let _ = writeln!(rules, ".picture .{fill} {{ fill: {dark}; }}");
        let _ = writeln!(rules, ".picture .{line} {{ stroke: {dark}; }}");
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of WCAG 2.2.
    fn measure_luminance(hex: &str) -> f64 {
        let channel = |from: usize| {
            let value = f64::from(u8::from_str_radix(&hex[from..from + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn measure_contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (measure_luminance(one), measure_luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_and_shapes_have_enough_contrast_in_both_schemes() {
        let texts = [Colour::Ink, Colour::Quiet, Colour::First, Colour::Second];
        let shapes = [
            Colour::Axis,
            Colour::FirstFaded,
            Colour::SecondFaded,
            Colour::Rest,
        ];
        for (colours, least) in [(&texts[..], 4.5), (&shapes[..], 3.0)] {
            for colour in colours {
                let light = measure_contrast(colour.light(), Colour::Paper.light());
                let dark = measure_contrast(colour.dark(), Colour::Paper.dark());
                assert!(light >= least, "{colour:?} has {light:.2} on white");
                assert!(dark >= least, "{colour:?} has {dark:.2} on a dark page");
            }
        }
    }

    #[test]
    fn text_on_pale_areas_has_enough_contrast() {
        assert!(measure_contrast(Colour::Ink.light(), Colour::Cell.light()) >= 4.5);
        assert!(measure_contrast(Colour::Ink.dark(), Colour::Cell.dark()) >= 4.5);
    }

    #[test]
    fn classes_differ_and_each_has_a_dark_rule_in_the_stylesheet() {
        let stylesheet = include_str!("../../../assets/pages/site.css");
        let rules = render_dark_rules();
        for rule in rules.lines() {
            assert!(stylesheet.contains(rule), "site.css has no {rule}");
        }
        for colour in Colour::ALL {
            assert_eq!(rules.matches(&format!(".{} {{", colour.fill_class())).count(), 1);
            assert_eq!(rules.matches(&format!(".{} {{", colour.line_class())).count(), 1);
        }
    }
}
