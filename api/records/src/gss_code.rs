//! GSS codes: the codes of the Government Statistical Service for areas.

use wayin_vocabulary::PlaceKind;

use crate::normalisation;
use crate::text::quote;

/// Finds the kind of place of a GSS code by its first three characters.
pub fn find_kind(code: &str) -> Option<PlaceKind> {
    Some(match code.get(..3)? {
        "E05" | "W05" | "S13" | "N08" => PlaceKind::Ward,
        "E06" | "E07" | "E08" | "E09" | "S12" | "W06" | "N09" => PlaceKind::LocalAuthority,
        "E10" | "E11" => PlaceKind::County,
        "E12" => PlaceKind::Region,
        "E47" => PlaceKind::CombinedAuthority,
        "E92" | "S92" | "W92" | "N92" => PlaceKind::Nation,
        "K02" | "K03" | "K04" => PlaceKind::Country,
        _ => return None,
    })
}

/// Parses a code of a letter and eight digits, and returns it in upper case.
///
/// # Errors
/// The reason why the text is not a code.
pub fn parse_code(text: &str) -> Result<String, String> {
    let code = normalisation::normalise_gss_code(text);
    match code.as_bytes() {
        [b'A'..=b'Z', digits @ ..] if digits.len() == 8 && digits.iter().all(u8::is_ascii_digit) => Ok(code),
        [] => Err("is missing".to_owned()),
        _ => Err(format!(
            "{} is not a GSS code; one is a letter and eight digits, such as E08000025",
            quote(text)
        )),
    }
}

/// Parses a code as [`parse_code`] does, or a code of a small area of Northern Ireland, such as 95GG01S1.
///
/// # Errors
/// The reason why the text is not a code.
pub fn parse_area_code(text: &str) -> Result<String, String> {
    let small = normalisation::normalise_gss_code(text);
    let is_of_northern_ireland = (6..=9).contains(&small.len())
        && small.starts_with("95")
        && small.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_of_northern_ireland {
        Ok(small)
    } else {
        parse_code(text)
    }
}

/// Returns whether each area of a code's kind lies within one local authority. Constituencies and electoral divisions
/// may not.
pub fn is_within_one_authority(code: &str) -> bool {
    !matches!(code.get(..3), Some("E14" | "W07" | "S14" | "N05" | "N06" | "E58"))
}

/// Describes a code that does not show the kind of place.
pub fn describe_unknown_kind(code: &str) -> String {
    format!(
        "{} is not the code of a ward, local authority, county, combined authority, region, \
         nation or country; say what it is in a column kind",
        quote(code)
    )
}
