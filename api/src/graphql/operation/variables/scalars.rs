//! What to write where a scalar is expected, in place of the library's words.

use async_graphql::{InputType, Value};
use chrono::{DateTime, Utc};

use crate::graphql::comparison::{BigInt, Date};

/// What the library adds to an error for each input that the wrong value lies in.
const LIBRARY_ERROR_SUFFIX: &str = " (occurred while parsing ";

/// What to write for a value of a scalar.
pub fn scalar_advice(scalar: &str) -> Option<&'static str> {
    Some(match scalar {
        "Date" => "write a date as YYYY-MM-DD, such as 2024-04-01",
        "DateTime" => "write a date and time with its zone, such as 2024-04-01T09:30:00Z",
        "BigInt" => {
            "write a whole number from -9223372036854775808 to 9223372036854775807, without a fraction, such as 1500000"
        }
        "Int" => "write a whole number from -2147483648 to 2147483647, without a fraction, such as 12",
        "Float" => "write a number, such as 0.5",
        "Boolean" => "write true or false",
        "String" => "write a text in quotation marks",
        "ID" => "write an id in quotation marks",
        _ => return None,
    })
}

/// What to write instead of a value that a scalar of the schema's own does not take; none where it takes it.
pub fn find_advice(scalar: &str, value: &Value) -> Option<&'static str> {
    let is_taken = match scalar {
        "Date" => Date::parse(Some(value.clone())).is_ok(),
        "DateTime" => DateTime::<Utc>::parse(Some(value.clone())).is_ok(),
        "BigInt" => BigInt::parse(Some(value.clone())).is_ok(),
        // The library checks in time whether it is a whole number, but not how large it is.
        "Int" => match value {
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                i32::parse(Some(value.clone())).is_ok()
            }
            _ => true,
        },
        _ => true,
    };
    if is_taken { None } else { scalar_advice(scalar) }
}

/// An error of the library about an input in plain words; none where it is no such error.
pub fn rewrite_library_error(message: &str) -> Option<String> {
    let (said, is_nested) = match message.split_once(LIBRARY_ERROR_SUFFIX) {
        Some((said, _)) => (said, true),
        None => (message, false),
    };
    let named = |start: &str| said.strip_prefix(start)?.split_once('"');
    if let Some((of, rest)) = named("Failed to parse \"") {
        let reason = rest.trim_start_matches(": ");
        return Some(
            scalar_advice(of).map_or_else(|| format!("{of} cannot be read: {reason}"), ToOwned::to_owned),
        );
    }
    if let Some((of, rest)) = named("Expected input type \"") {
        let found = rest.trim_start_matches(", found ").trim_end_matches('.');
        return Some(match scalar_advice(of) {
            Some(advice) => format!("{found} is given: {advice}"),
            None => format!(
                "{found} is given: write {} of the type {of}",
                type_description(of)
            ),
        });
    }
    is_nested.then(|| said.to_owned())
}

/// What a value of a type that is no scalar is.
pub fn type_description(of: &str) -> &'static str {
    if of.starts_with('[') {
        "a list"
    } else {
        "an object in braces"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn invalid_scalar_values_get_advice() {
        for (scalar, value, is_taken) in [
            ("Date", json!("2024-04-01"), true),
            ("Date", json!("2024-02-30"), false),
            ("Date", json!("01/04/2024"), false),
            ("Date", json!(""), false),
            ("Date", json!(5), false),
            ("BigInt", json!("12"), true),
            ("BigInt", json!(-12), true),
            ("BigInt", json!(1.5), false),
            ("BigInt", json!("abc"), false),
            ("Int", json!(12), true),
            ("Int", json!(99_999_999_999_i64), false),
            ("DateTime", json!("2024-04-01T09:30:00Z"), true),
            ("DateTime", json!("2024-04-01"), false),
            ("String", json!(5), true),
        ] {
            let found = find_advice(scalar, &Value::from_json(value.clone()).unwrap());
            assert_eq!(found.is_none(), is_taken, "{scalar} {value}");
        }
    }

    #[test]
    fn library_errors_are_rewritten() {
        for (message, expected) in [
            (
                "Failed to parse \"Date\": premature end of input (occurred while parsing \"A\") (occurred while parsing \"B\")",
                Some("write a date as YYYY-MM-DD, such as 2024-04-01"),
            ),
            (
                "Expected input type \"Scope\", found 3. (occurred while parsing \"A\")",
                Some("3 is given: write an object in braces of the type Scope"),
            ),
            (
                "give one of them (occurred while parsing \"A\")",
                Some("give one of them"),
            ),
            ("Unknown field \"x\"", None),
        ] {
            assert_eq!(rewrite_library_error(message).as_deref(), expected, "{message}");
        }
    }
}
