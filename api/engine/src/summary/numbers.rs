//! Numbers in sentences.

use std::fmt::Display;

use crate::disclosure::DisclosedCount;
use crate::statistics::Estimate;

/// A count with thousands separators: 12,345.
pub fn format_count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun, in the singular or the plural.
pub fn format_plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", format_count(n), if n == 1 { one } else { many })
}

/// "a, b and c".
pub fn join_list(words: impl IntoIterator<Item: Display>, conjunction: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} {conjunction} {last}", before.join(", ")),
    }
}

/// Counts below this are rounded to the nearest 5 in words, and others to the nearest 10.
const ROUNDED_TO_TEN_FROM: u64 = 100;

/// A count that noise makes inexact, as words give it: 466 reads "470".
pub fn round_for_words(n: u64) -> String {
    let unit = if n < ROUNDED_TO_TEN_FROM { 5 } else { 10 };
    format_count((n + unit / 2) / unit * unit)
}

/// A count; "about" and a rounded number if disclosure control perturbed it. `n` can be a sum that includes `shown`.
pub fn format_approximate(shown: &DisclosedCount, n: u64) -> String {
    if shown.variance > 0.0 {
        format!("about {}", round_for_words(n))
    } else {
        format_count(n)
    }
}

/// A count with its noun: "about 470 initiatives".
pub fn format_with_noun(shown: &DisclosedCount, n: u64) -> String {
    let noun = if n == 1 { "initiative" } else { "initiatives" };
    format!("{} {noun}", format_approximate(shown, n))
}

/// A rate as a share of 100, or "none" or "all".
pub fn format_rate(rate: Option<Estimate>) -> String {
    match rate.map(|rate| rate.value * 100.0) {
        None => "an unknown share".into(),
        Some(0.0) => "none".into(),
        Some(percent) if percent < 1.0 => "under 1 in 100".into(),
        Some(100.0) => "all".into(),
        Some(percent) if percent > 99.0 => "over 99 in 100".into(),
        Some(percent) => format!("{percent:.0} in 100"),
    }
}

/// The interval of a difference of two rates: "Allowing for chance, the rate is higher by 22 to 36 in 100."
pub fn format_points(difference: &Estimate) -> String {
    let [lower, upper] = [difference.lower, difference.upper].map(|end| (end * 100.0).round());
    let [least, most] = [lower.abs().min(upper.abs()), lower.abs().max(upper.abs())];
    let adjective = if difference.lower + difference.upper < 0.0 {
        "lower"
    } else {
        "higher"
    };
    if lower < 0.0 && upper > 0.0 {
        let [lower, upper] = [lower.abs(), upper];
        return format!(
            "Allowing for chance, the rate could be from {lower:.0} in 100 lower to {upper:.0} in 100 higher than that of the rest."
        );
    }
    // The ends are rounded for words, but whether there may be no difference is not.
    let may_be_same = difference.lower <= 0.0 && difference.upper >= 0.0;
    if most == 0.0 {
        return if may_be_same {
            "Allowing for chance, the rate is the same.".into()
        } else {
            format!("Allowing for chance, the rate is {adjective} by less than 1 in 100.")
        };
    }
    if least == 0.0 && !may_be_same {
        return format!("Allowing for chance, the rate is {adjective} by up to {most:.0} in 100.");
    }
    if least == 0.0 {
        return format!(
            "Allowing for chance, the rate could be the same, or {adjective} by up to {most:.0} in 100."
        );
    }
    if least < most {
        return format!("Allowing for chance, the rate is {adjective} by {least:.0} to {most:.0} in 100.");
    }
    format!("Allowing for chance, the rate is {adjective} by about {least:.0} in 100.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_says_zero_only_if_it_includes_it() {
        let format = |lower, upper| {
            let value = f64::midpoint(lower, upper);
            format_points(&Estimate { value, lower, upper })
        };
        for (lower, upper, expected) in [
            (0.22, 0.36, "is higher by 22 to 36 in 100."),
            (-0.36, -0.22, "is lower by 22 to 36 in 100."),
            (0.29, 0.291, "is higher by about 29 in 100."),
            (0.002_9, 0.269_9, "is higher by up to 27 in 100."),
            (-0.269_9, -0.002_9, "is lower by up to 27 in 100."),
            (0.001, 0.004, "is higher by less than 1 in 100."),
            (-0.001, 0.27, "could be the same, or higher by up to 27 in 100."),
            (-0.27, 0.001, "could be the same, or lower by up to 27 in 100."),
            (-0.002, 0.002, "is the same."),
            (
                -0.05,
                0.07,
                "could be from 5 in 100 lower to 7 in 100 higher than that of the rest.",
            ),
        ] {
            let expected = format!("Allowing for chance, the rate {expected}");
            assert_eq!(format(lower, upper), expected, "{lower} to {upper}");
        }
    }
}
