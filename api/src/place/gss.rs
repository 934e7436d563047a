//! The codes that the Government Statistical Service gives to places. Pure.

use wayin_entity::PlaceKind;

use crate::spelling;
use crate::written::quoted;

/// What sort of place a GSS code stands for, by its first three characters.
pub fn kind_of_code(code: &str) -> Option<PlaceKind> {
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

/// The code in upper case, where it is a letter and eight digits.
///
/// # Errors
/// What is wrong with it, in words.
pub fn code(text: &str) -> Result<String, String> {
    let code = spelling::gss_code(text);
    match code.as_bytes() {
        [b'A'..=b'Z', digits @ ..] if digits.len() == 8 && digits.iter().all(u8::is_ascii_digit) => Ok(code),
        [] => Err("is missing".to_owned()),
        _ => Err(format!(
            "{} is not a GSS code; one is a letter and eight digits, such as E08000025",
            quoted(text)
        )),
    }
}
