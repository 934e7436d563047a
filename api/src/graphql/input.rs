//! Parses inputs that are JSON outside a GraphQL request, by the rules of GraphQL.

use async_graphql::registry::{MetaType, Registry};
use async_graphql::{InputType, Pos, Value};

use crate::error::{Error, Result};
use crate::graphql::operation::document_limits::{DocumentLimits, measure_value};
use crate::graphql::operation::nul_characters;
use crate::graphql::operation::variables::scalars::rewrite_library_error;
use wayin_records::text::quote;

/// Parses an input of any type from JSON.
///
/// # Errors
/// [`Error::BadInput`] if the value does not have the type, is nested deeper than a request allows, or
/// contains a field that the type does not have. GraphQL validates the fields of a request before they are
/// parsed, but a document alone is not validated, and a filter with a misspelt field would match everything.
pub fn parse_input<T: InputType>(path: &str, document: serde_json::Value) -> Result<T> {
    let given = Value::from_json(document).map_err(|cause| Error::bad_input(path, cause))?;
    if nul_characters::value_has_nul(&given) {
        return Err(Error::nul_in_text());
    }
    measure_value(&given, &DocumentLimits::default()).map_err(|excess| Error::bad_input(path, excess))?;
    let read = T::parse(Some(given.clone())).map_err(|cause| {
        let message = cause.into_server_error(Pos::default()).message;
        let message = rewrite_library_error(&message).unwrap_or(message);
        Error::bad_input(path, describe_invalid_choice::<T>(&given).unwrap_or(message))
    })?;
    match find_unknown_field(path, &given, &read.to_value()) {
        Some(unknown) => Err(Error::bad_input(&unknown, "is not a field that there is")),
        None => Ok(read),
    }
}

/// Describes why a value is none of the choices of an enum. None for other types.
fn describe_invalid_choice<T: InputType>(given: &Value) -> Option<String> {
    let mut registry = Registry::default();
    T::create_type_info(&mut registry);
    let Some(MetaType::Enum { enum_values, .. }) = registry.types.get(&*T::type_name()) else {
        return None;
    };
    let choices: Vec<&str> = enum_values.keys().map(String::as_str).collect();
    let given = match given {
        Value::String(text) => quote(text),
        other => other.to_string(),
    };
    Some(format!(
        "{given} is none of the choices; they are {}",
        choices.join(", ")
    ))
}

/// Finds the path of a field that was not parsed.
fn find_unknown_field(path: &str, given: &Value, understood: &Value) -> Option<String> {
    match (given, understood) {
        (Value::Object(given), Value::Object(understood)) => given.iter().find_map(|(name, value)| {
            let path = format!("{path}.{name}");
            match understood.get(name) {
                Some(understood) => find_unknown_field(&path, value, understood),
                None => Some(path),
            }
        }),
        (Value::List(given), Value::List(understood)) => {
            given
                .iter()
                .zip(understood)
                .enumerate()
                .find_map(|(at, (given, understood))| {
                    find_unknown_field(&format!("{path}.{at}"), given, understood)
                })
        }
        // GraphQL reads a single value as a list of one item.
        (given, Value::List(understood)) => understood
            .first()
            .and_then(|understood| find_unknown_field(path, given, understood)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wayin_entity::Dimension;

    use super::parse_input;
    use crate::initiative::filter_input::InitiativeFilter;

    #[test]
    fn valid_inputs_are_parsed() {
        for document in [
            json!({}),
            json!({"and": [], "title": null}),
            json!({"or": {"wayIn": {"in": "COLLABORATION"}}}),
            json!({"fundingTerms": {"some": {"durationMonths": {"lte": 18}, "amountMinor": {"gt": "5"}}}}),
            json!({"place": {"is": {"code": "E06000001"}}}),
            json!({"fundedByMe": true, "ledByMe": null, "leadOrganisation": {"isMe": false}}),
        ] {
            let read = parse_input::<InitiativeFilter>("when", document.clone());
            assert!(read.is_ok(), "{document}: {:?}", read.err());
        }
        assert_eq!(
            parse_input::<Dimension>("by", json!("REGION")).ok(),
            Some(Dimension::Region)
        );
    }

    #[test]
    fn invalid_choice_lists_the_choices() {
        let refused = parse_input::<Dimension>("of", json!("region"))
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("of: \"region\" is none of the choices; they are ")
                && refused.contains("REGION"),
            "{refused}"
        );
    }

    #[test]
    fn overly_nested_input_is_rejected() {
        let nested = |deep| (0..deep).fold(json!({}), |inner, _| json!({"and": [inner]}));
        assert!(parse_input::<InitiativeFilter>("when", nested(11)).is_ok());
        let refused = parse_input::<InitiativeFilter>("when", nested(60)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "when: lists and objects are nested too deep: the maximum depth is 24"
        );
    }

    #[test]
    fn unknown_field_is_rejected_with_its_path() {
        for (document, place) in [
            (json!({"titel": {"eq": "x"}}), "when.titel: "),
            (json!({"titel": null}), "when.titel: "),
            (
                json!({"or": [{}, {"wayIn": {"in": ["COLLABORATION"], "not": 1}}]}),
                "when.or.1.wayIn.not: ",
            ),
            (json!({"not": {"or": {"steps": 1}}}), "when.not.or.steps: "),
            (json!({"title": {"eq": 1}}), "when: "),
            (json!({"fundedByMe": {"isMe": true}}), "when: "),
            (
                json!({"place": {"is": {"code": "E06000001", "id": "x"}}}),
                "when: ",
            ),
            (json!(["x"]), "when: "),
            (json!(null), "when: "),
        ] {
            let refused = parse_input::<InitiativeFilter>("when", document.clone());
            let reason = refused.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(reason.starts_with(place), "{document}: {reason}");
        }
        assert!(parse_input::<Dimension>("by", json!("REGIONS")).is_err());
        assert!(parse_input::<i64>("minChangeNumber", json!("1")).is_err());
    }
}
