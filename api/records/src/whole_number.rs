//! Whole numbers that a client writes with a fraction of zero, such as `18.0`.
//!
//! JSON has one kind of number, and the specification (October 2021, 3.5.1) has `Int` take a value without a fraction.
//! So variables may be written so, as they may for servers in JavaScript, where `18.0` is 18. A literal in a document
//! may not: there `18.0` is a `Float` by the grammar.

use serde_json::Value;

/// Up to here every whole number is a float of its own.
const MAX_EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// The whole number that a float is; none where it has a fraction, or stands for several whole numbers.
pub fn from_float(number: f64) -> Option<i64> {
    let is_whole = number.fract() == 0.0 && number.abs() <= MAX_EXACT_FLOAT;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number that an i64 holds")]
    is_whole.then_some(number as i64)
}

/// Writes every whole number in a value without a fraction.
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
