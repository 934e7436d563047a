//! Normalises codes, identifiers and names for storage and comparison.
//!
//! The same name arrives in several spellings: with decomposed accents (from macOS), with double or no-break spaces
//! (from word processors and web pages), and with invisible characters. All imports, mutations, lookups and filters use
//! these functions, so that the spellings are equal. Each function is idempotent. None removes the character NUL,
//! because validation rejects it.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// Converts a text to Unicode's normal form C.
pub fn to_nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Normalises a text of several lines: normal form C, trimmed.
pub fn normalise_prose(text: &str) -> Cow<'_, str> {
    match to_nfc(text) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// Normalises a name of one line: normal form C, without invisible characters, trimmed, with single spaces and plain
/// hyphens. Joiners stay, because some scripts need them.
pub fn normalise_name(text: &str) -> String {
    if text.is_ascii() {
        return collapse_white_space(text.chars());
    }
    collapse_white_space(text.nfc().filter(|character| !is_invisible(*character)))
}

/// Normalises a text as [`normalise_name`] does, and removes joiners.
fn normalise_without_joiners(text: &str) -> String {
    let is_joiner = |character: char| matches!(character, '\u{200c}' | '\u{200d}');
    normalise_name(&text.replace(is_joiner, ""))
}

fn collapse_white_space(characters: impl Iterator<Item = char>) -> String {
    let mut visible = String::new();
    let mut pending_space = false;
    for character in characters {
        if character.is_whitespace() {
            pending_space = !visible.is_empty();
            continue;
        }
        if pending_space {
            visible.push(' ');
            pending_space = false;
        }
        visible.push(if matches!(character, '\u{2010}' | '\u{2011}') {
            '-'
        } else {
            character
        });
    }
    // Characters that an invisible character separated may compose now.
    match to_nfc(&visible) {
        Cow::Borrowed(_) => visible,
        Cow::Owned(composed) => composed,
    }
}

/// Normalises a name for comparison: [`normalise_name`] in lower case, without joiners.
pub fn fold_name(text: &str) -> String {
    let mut lower = normalise_without_joiners(text);
    if lower.is_ascii() {
        lower.make_ascii_lowercase();
        return lower;
    }
    normalise_without_joiners(&lower.to_lowercase())
}

/// Normalises an identifier in which case matters, such as that of a grant.
pub fn normalise_identifier(text: &str) -> String {
    normalise_without_joiners(text)
}

/// Normalises a GSS code: upper case, without spaces.
pub fn normalise_gss_code(text: &str) -> String {
    let mut code = normalise_without_joiners(text);
    code.retain(|character| character != ' ');
    code.make_ascii_uppercase();
    // Characters that a space separated may compose now.
    to_nfc(&code).into_owned()
}

/// The lists of org-id.guide whose numbers have only digits and capital letters, so that case and spaces have no
/// meaning.
const UPPER_CASE_ORG_ID_LISTS: [&str; 6] = ["GB-CHC", "GB-COH", "GB-MPR", "GB-NIC", "GB-SC", "GB-UKPRN"];

/// The lists of org-id.guide that have an underscore in their names.
const UNDERSCORE_ORG_ID_LISTS: [(&str, &str); 2] = [("BE", "BCE_KBO"), ("CA", "CRA_ACR")];

/// The maximum length of the name of a list in an org-id.
const MAX_LIST_CHARACTERS: usize = 10;

/// Normalises an organisation's identifier to the form of org-id.guide, such as `GB-CHC-1164883`: the prefix in upper
/// case, with hyphens between the parts.
///
/// The number stays as the publisher wrote it, because the numbers of some lists are case sensitive. It is upper case
/// only for lists that use digits and capital letters alone (`GB-COH-SC123456`). A text that does not begin with two
/// letters and the name of a list is not an org-id, and is only normalised as a name.
pub fn normalise_org_id(text: &str) -> String {
    let text = normalise_without_joiners(text);
    let text = text.as_str();
    let Some((country, rest)) = split_part(text) else {
        return text.to_owned();
    };
    if country.eq_ignore_ascii_case("360G") {
        return join_parts(&["360G", rest.trim_start_matches(is_separator)]);
    }
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return text.to_owned();
    }
    let country = country.to_ascii_uppercase();
    let rest = rest.trim_start_matches(is_separator);
    let with_underscore = UNDERSCORE_ORG_ID_LISTS.iter().find_map(|(of, list)| {
        let (given, after) = rest.split_at_checked(list.len())?;
        let is_this = *of == country && given.replace([' ', '-'], "_").eq_ignore_ascii_case(list);
        (is_this && after.chars().next().is_none_or(is_separator)).then_some((*list, after))
    });
    let (list, number) = with_underscore.unwrap_or_else(|| split_part(rest).unwrap_or((rest, "")));
    let is_list = (1..=MAX_LIST_CHARACTERS).contains(&list.len())
        && list
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_list {
        return text.to_owned();
    }
    let prefix = format!("{country}-{}", list.to_ascii_uppercase());
    let number = number.trim_start_matches(is_separator);
    let unspaced = number.replace(' ', "").replace(is_dash, "-");
    // Other texts are not numbers of these lists, such as the mark of a redacted number.
    let is_number = unspaced
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_number && UPPER_CASE_ORG_ID_LISTS.contains(&prefix.as_str()) {
        return join_parts(&[&prefix, &unspaced.to_ascii_uppercase()]);
    }
    join_parts(&[&prefix, number])
}

/// Joins the parts that are not empty with hyphens.
fn join_parts(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

/// Splits a text before its first separator.
fn split_part(text: &str) -> Option<(&str, &str)> {
    text.find(is_separator).map(|at| text.split_at(at))
}

/// Returns whether people write a character between the parts of an org-id.
fn is_separator(character: char) -> bool {
    matches!(character, ' ' | '_') || is_dash(character)
}

const fn is_dash(character: char) -> bool {
    matches!(
        character,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}'
    )
}

/// Returns whether a character is invisible and separates nothing: zero-width spaces, word joiners, byte order marks,
/// soft hyphens and direction marks.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
    )
}

/// Returns whether both databases can store a text. `PostgreSQL` cannot store the character NUL.
pub fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn name_spellings_are_normalised() {
        for spelling in [
            "Cwmni Café",
            "Cwmni  Café",
            " Cwmni\u{a0}Café ",
            "Cwmni\u{2003}\u{3000}Cafe\u{301}",
            "Cwmni\tCaf\u{200b}e\u{301}\u{feff}",
            "Cwmni\u{ad} Cafe\u{2060}\u{301}",
        ] {
            assert_eq!(normalise_name(spelling), "Cwmni Café", "{spelling:?}");
            assert_eq!(fold_name(spelling), "cwmni café", "{spelling:?}");
        }
        assert_eq!(normalise_name("Stoke\u{2011}on\u{2010}Trent"), "Stoke-on-Trent");
        assert_eq!(normalise_name("\u{200b} \u{a0}"), "");
        assert_eq!(fold_name("CWMNI CAFE\u{301}"), "cwmni café");
    }

    #[test]
    fn prose_keeps_line_breaks() {
        assert_eq!(
            normalise_prose(" cafe\u{301}\n\n two  spaces "),
            "café\n\n two  spaces"
        );
    }

    #[test]
    fn gss_code_spellings_are_normalised() {
        for spelling in [
            "E06000001",
            "e06000001",
            " E06000001\u{a0}",
            "E06 000 001",
            "\u{feff}e06000001",
        ] {
            assert_eq!(normalise_gss_code(spelling), "E06000001", "{spelling:?}");
        }
    }

    #[test]
    fn org_id_spellings_are_normalised() {
        for spelling in [
            "GB-CHC-1164883",
            "gb-chc-1164883",
            "Gb-Chc-1164883",
            "GB CHC 1164883",
            "GB_CHC_1164883",
            "GB-CHC 1164883",
            "GB-CHC - 1164883",
            " GB\u{2011}CHC\u{2011}1164883 ",
            "GB\u{2013}CHC\u{2212}1164883",
            "GB\u{a0}CHC\u{a0}1164883",
            "GB-CHC-\u{200b}1164883",
            "GB-CHC-1 164 883",
        ] {
            assert_eq!(normalise_org_id(spelling), "GB-CHC-1164883", "{spelling:?}");
        }
    }

    #[test]
    fn only_upper_case_lists_have_upper_case_numbers() {
        for (given, expected) in [
            ("gb-coh-sc123456", "GB-COH-SC123456"),
            ("GB-SC-sc012345", "GB-SC-SC012345"),
            ("xi-grid-grid.4991.5", "XI-GRID-grid.4991.5"),
            ("us-ein-abC-1", "US-EIN-abC-1"),
            ("be-bce_kbo-0460 1", "BE-BCE_KBO-0460 1"),
            ("BE BCE KBO 0460", "BE-BCE_KBO-0460"),
            ("ca_cra_acr_11922rr", "CA-CRA_ACR-11922rr"),
            ("360g ex-Org:7", "360G-ex-Org:7"),
            ("gb chc", "GB-CHC"),
            ("gb-chc-[redacted] 2", "GB-CHC-[redacted] 2"),
            ("Company  7", "Company 7"),
            ("7 x", "7 x"),
            ("", ""),
        ] {
            assert_eq!(normalise_org_id(given), expected, "{given:?}");
        }
    }

    #[test]
    fn nul_is_left_for_validation() {
        assert_eq!(normalise_name("a\0b"), "a\0b");
        assert!(normalise_org_id("GB-CHC-\0").contains('\0'));
        assert!(normalise_gss_code("E0\0").contains('\0'));
    }

    fn any_text() -> impl Strategy<Value = String> {
        let character = prop_oneof![
            any::<char>(),
            prop::sample::select(vec![
                ' ', '-', '_', '\u{a0}', '\u{2011}', '\u{2013}', '\u{301}', '\u{200b}', '\u{200d}', 'e', 'É',
                'g', 'B', '1', 'İ', 'Σ', 'ſ', '\u{345}', '\u{1100}', '\u{1161}',
            ]),
        ];
        prop::collection::vec(character, 0..24).prop_map(|characters| characters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any_text()) {
            for fold in [normalise_name as fn(&str) -> String, fold_name, normalise_gss_code, normalise_org_id, normalise_identifier] {
                let once = fold(&text);
                prop_assert_eq!(&fold(&once), &once);
            }
            let once = normalise_prose(&text).into_owned();
            prop_assert_eq!(normalise_prose(&once).into_owned(), once);
        }

        #[test]
        fn decomposition_and_spacing_never_matter(words in prop::collection::vec("[A-Za-zÀ-ÿ']{1,8}", 1..5), spaces in prop::collection::vec("[ \u{a0}\u{2009}\t]{1,3}", 6)) {
            let plain = words.join(" ");
            let mut odd = spaces[5].clone();
            for (word, space) in words.iter().zip(&spaces) {
                odd.extend(word.nfd());
                odd.push_str(space);
            }
            prop_assert_eq!(normalise_name(&odd), normalise_name(&plain));
            prop_assert_eq!(fold_name(&odd.to_uppercase()), fold_name(&plain.to_uppercase()));
        }

        #[test]
        fn separators_and_the_case_of_the_prefix_never_matter(
            list in prop::sample::select(vec!["CHC", "COH", "GOR", "EDU"]),
            number in "[0-9A-Z]{1,8}",
            separators in prop::collection::vec("[-_ \u{2011}\u{2013}\u{a0}]{1,2}", 2),
            lower in any::<bool>(),
        ) {
            let prefix = format!("GB{}{list}{}", separators[0], separators[1]);
            let prefix = if lower { prefix.to_lowercase() } else { prefix };
            prop_assert_eq!(normalise_org_id(&format!("{prefix}{number}")), format!("GB-{list}-{number}"));
        }
    }
}
