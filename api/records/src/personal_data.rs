//! Finds personal data in texts: e-mail addresses, telephone numbers and full postcodes, which identify a few houses.
//! A record with personal data cannot be submitted.

use std::sync::LazyLock;

use regex::Regex;

use super::record::InitiativeRecord;
use crate::problem::{Problem, ProblemCode};

/// An "@" alone does not match, because titles of grants contain "Free@Last" and "@ the Hub".
static EMAIL: LazyLock<Regex> =
    LazyLock::new(|| compile_pattern(r"(?i)[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}\b"));
/// Digits, with the spaces, brackets and hyphens that people write between them.
static DIGIT_RUN: LazyLock<Regex> = LazyLock::new(|| compile_pattern(r"[+(]*[0-9][0-9 ()\u{a0}-]*[0-9]"));
/// A unit postcode, with the postcode areas of Royal Mail.
static POSTCODE: LazyLock<Regex> = LazyLock::new(|| {
    compile_pattern(
        r"(?i)\b(?:A[BL]|B[ABDHLNRST]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]|L[ADELNSU]?|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE)[0-9][0-9A-Z]? ?[0-9][ABD-HJLNP-UW-Z]{2}\b",
    )
});

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants, and a test compiles them"
)]
fn compile_pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is well formed")
}

/// Returns what kind of personal data a text contains, if any.
pub fn find_in_text(text: &str) -> Option<&'static str> {
    if EMAIL.is_match(text) {
        Some("an e-mail address")
    } else if DIGIT_RUN
        .find_iter(text)
        .any(|found| is_telephone(text, found.start(), found.as_str()))
    {
        Some("a telephone number")
    } else if POSTCODE.find_iter(text).any(|found| !is_ordinal(found.as_str())) {
        Some("a full postcode")
    } else {
        None
    }
}

/// Returns whether what looks like a postcode is an ordinal number, as in "the M1 4th exit".
fn is_ordinal(found: &str) -> bool {
    ["1st", "2nd", "3rd", "th"]
        .iter()
        .any(|ending| found.ends_with(ending))
}

/// Returns whether digits look like a telephone number: ten or eleven digits that begin with 0, or up to fifteen after
/// a "+". Identifiers of charities have letters before them.
fn is_telephone(text: &str, start: usize, found: &str) -> bool {
    let before = text[..start].chars().next_back();
    if before.is_some_and(|one| one.is_alphanumeric() || matches!(one, '-' | '/' | '.' | ',')) {
        return false;
    }
    let digits = found.bytes().filter(u8::is_ascii_digit).count();
    let bare = found.trim_start_matches('(');
    if bare.starts_with('+') {
        (9..=15).contains(&digits)
    } else {
        bare.starts_with('0') && (10..=11).contains(&digits)
    }
}

/// Finds the free texts of a record that contain personal data.
pub fn find_personal_data(record: &InitiativeRecord) -> Vec<Problem> {
    let mut texts: Vec<(String, Option<&str>)> = vec![
        ("title".into(), Some(&record.title)),
        ("summary".into(), record.summary.as_deref()),
        ("source/title".into(), Some(&record.source.title)),
    ];
    for (at, taken) in record.entry_points.iter().enumerate() {
        texts.push((
            format!("entryPoints/{at}/motivation"),
            taken.motivation.as_deref(),
        ));
    }
    for (at, faced) in record.challenges_faced.iter().enumerate() {
        texts.push((format!("challengesFaced/{at}/note"), faced.note.as_deref()));
    }
    for (at, term) in record.funding_terms.iter().enumerate() {
        texts.push((format!("fundingTerms/{at}/programme"), term.programme.as_deref()));
    }
    if let Some(sharing) = &record.sharing {
        texts.push(("sharing/basis".into(), sharing.basis.as_deref()));
        texts.push(("sharing/confirmedBy".into(), sharing.confirmed_by.as_deref()));
    }
    texts
        .into_iter()
        .filter_map(|(path, text)| check_text(path, text?))
        .collect()
}

/// Returns a problem if a text contains personal data.
pub fn check_text(path: impl Into<String>, text: &str) -> Option<Problem> {
    let held = find_in_text(text)?;
    let reason = format!("has {held} in it; remove it, so that nobody can be recognised");
    Some(Problem::new(ProblemCode::PersonalData, path, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_is_detected() {
        for (text, held) in [
            (
                "write to jo.bloggs+help@example.org.uk today",
                "an e-mail address",
            ),
            ("JO@EXAMPLE.COM", "an e-mail address"),
            ("call 020 7946 0018", "a telephone number"),
            ("(0114) 496 0018", "a telephone number"),
            ("+44 20 7946 0018.", "a telephone number"),
            ("07700900123", "a telephone number"),
            ("meet at SW1A 1AA", "a full postcode"),
            ("meet at m11ae", "a full postcode"),
            ("LS1 4AP, first floor", "a full postcode"),
        ] {
            assert_eq!(find_in_text(text), Some(held), "{text}");
        }
    }

    #[test]
    fn lookalikes_are_not_detected() {
        for text in [
            "Free@Last and @ the Hub",
            "a grant of 1,000,000 over 36 months",
            "charity 1164883, GB-CHC-1164883, SC012345",
            "from 2019-04-01 to 2022-03-31, 2019/20",
            "between 01.04.2019 and 31.03.2022",
            "between 01-04-2019 and 31-03-2022",
            "company 01234567",
            "Year 10 1st term, E1 and M6",
            "the M1 4th exit",
            "wards in LS1 and LS2",
            "0.1234567890 of all",
            "",
        ] {
            assert_eq!(find_in_text(text), None, "{text}");
        }
    }
}
