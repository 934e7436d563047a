//! Whole numbers that JSON may write with a fraction of zero, such as `18.0`.
//!
//! JSON has one kind of number, and the GraphQL specification (October 2021, section 3.5.1) accepts a number without
//! a fractional part as an `Int`. Variables may therefore use this form, as they may on servers in JavaScript. A
//! literal in a GraphQL document may not: by the grammar, `18.0` is a `Float` there.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::{Number, Value};

/// 2^53: up to here, each whole number has a float of its own.
const MAX_EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// Converts a float to a whole number. Returns `None` if it has a fraction, or if several whole numbers share the float.
pub fn from_float(number: f64) -> Option<i64> {
    let is_whole = number.fract() == 0.0 && number.abs() <= MAX_EXACT_FLOAT;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an i64 holds every whole number up to 2^53"
    )]
    is_whole.then_some(number as i64)
}

/// Reads a whole number or null.
pub(super) fn deserialize_option<'de, T: TryFrom<i64>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let whole = number.as_i64().or_else(|| from_float(number.as_f64()?));
    let whole = whole.and_then(|whole| T::try_from(whole).ok());
    whole
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("{number} is not a whole number in range")))
}

/// Replaces each whole number in a value that has a zero fraction by one without a fraction.
pub fn strip_zero_fractions(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(whole) = number.as_f64().and_then(from_float) {
                *value = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strip_zero_fractions),
        Value::Object(fields) => fields.values_mut().for_each(strip_zero_fractions),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn zero_fraction_is_an_integer() {
        let mut value = json!({"a": [18.0, 18.5, 500_000.0, 1e300, -0.0], "b": {"c": 1e3}, "d": "18.0"});
        strip_zero_fractions(&mut value);
        let expected = json!({"a": [18, 18.5, 500_000, 1e300, 0], "b": {"c": 1000}, "d": "18.0"});
        assert_eq!(value, expected);
    }
}
