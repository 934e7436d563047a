//! Advice on how to write the value of a scalar, which replaces the messages of the library.

use async_graphql::{InputType, Value};
use chrono::{DateTime, Utc};

use crate::graphql::comparison::{BigInt, Date};

/// The text that the library adds to an error for each input that contains the invalid value.
const LIBRARY_ERROR_SUFFIX: &str = " (occurred while parsing ";

/// Returns advice on how to write a value of a scalar. None if the scalar is not known.
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

/// Returns advice if one of the schema's scalars does not accept a value. None if it does.
pub fn find_advice(scalar: &str, value: &Value) -> Option<&'static str> {
    let is_taken = match scalar {
        "Date" => Date::parse(Some(value.clone())).is_ok(),
        "DateTime" => DateTime::<Utc>::parse(Some(value.clone())).is_ok(),
        "BigInt" => BigInt::parse(Some(value.clone())).is_ok(),
        // The library checks early enough whether the value is a whole number, but not its size.
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

/// Rewrites a library error about an input in plain words. None for other errors.
pub fn rewrite_library_error(message: &str) -> Option<String> {
    let (core_message, is_nested) = match message.split_once(LIBRARY_ERROR_SUFFIX) {
        Some((core_message, _)) => (core_message, true),
        None => (message, false),
    };
    let named = |start: &str| core_message.strip_prefix(start)?.split_once('"');
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
    is_nested.then(|| core_message.to_owned())
}

/// Describes a value of a type that is not a scalar.
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
