//! Parses a GraphQL request from JSON, which can be a request body, a part of a form or a WebSocket message.

use async_graphql::{Pos, Request, Variables};
use serde_json::{Map, Value};

use crate::graphql::operation::document_limits::escapes;
use crate::graphql::operation::persisted_queries;
use wayin_records::whole_number::strip_zero_fractions;

/// Why the JSON is not a request, as a clause without a subject.
pub type RequestError = String;

/// Parses a request. Null and empty texts count as absent.
pub fn from_json(mut sent: Map<String, Value>) -> Result<Request, RequestError> {
    let extensions = take_object(&mut sent, "extensions")?;
    let is_named = extensions
        .as_ref()
        .is_some_and(|fields| fields.contains_key(persisted_queries::EXTENSION_NAME));
    let query = match sent.remove("query") {
        Some(Value::String(query)) => query,
        None | Some(Value::Null) if is_named => String::new(),
        None | Some(Value::Null) => return Err("it has no query".into()),
        Some(_) => return Err("its query is not a text".into()),
    };
    let mut request = Request::new(query);
    request.operation_name = match sent.remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name).filter(|name| !name.trim().is_empty()),
        Some(_) => return Err("its operationName is not a text".into()),
    };
    if let Some(variables) = take_object(&mut sent, "variables")? {
        let mut variables = Value::Object(variables);
        strip_zero_fractions(&mut variables);
        request.variables = Variables::from_json(variables);
    }
    for (name, value) in extensions.into_iter().flatten() {
        if let Ok(value) = async_graphql::Value::from_json(value) {
            request.extensions.insert(name, value);
        }
    }
    Ok(request)
}

/// Describes why a text is not JSON.
pub fn describe_json_error(text: &[u8], cause: &serde_json::Error) -> String {
    // The library reports an unpaired surrogate as an unexpected end.
    match escapes::find_invalid_in_json(&String::from_utf8_lossy(text)) {
        Some(invalid) if cause.is_syntax() || cause.is_eof() => {
            let Pos { line, column } = invalid.position;
            format!("{invalid} (line {line} column {column})")
        }
        _ => cause.to_string(),
    }
}

/// Takes an object from a request. None if it is absent.
fn take_object(
    sent: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<Map<String, Value>>, RequestError> {
    match sent.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(fields)) => Ok(Some(fields)),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(_)) => Err(format!(
            "its {name} are a text: send them as a JSON object, not as one written into a text"
        )),
        Some(_) => Err(format!("its {name} are not a JSON object")),
    }
}

/// Removes the empty parameters from a URL query, because they count as absent.
pub fn remove_empty_parameters(query: &str) -> String {
    let is_given = |pair: &&str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let may_be_empty = matches!(name, "variables" | "extensions" | "operationName");
        let value = value.replace("%20", "").replace('+', "");
        !may_be_empty || !value.is_empty()
    };
    query.split('&').filter(is_given).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse_request(sent: Value) -> Result<Request, RequestError> {
        let Value::Object(sent) = sent else {
            panic!("{sent} is not an object")
        };
        from_json(sent)
    }

    #[test]
    fn empty_and_null_parts_are_absent() {
        for empty in [json!(null), json!(""), json!(" ")] {
            let request = parse_request(json!({
                "query": "{a}", "variables": empty, "extensions": empty, "operationName": empty,
            }));
            let request = request.unwrap();
            assert_eq!((request.query.as_str(), request.operation_name), ("{a}", None));
            assert!(request.variables.is_empty() && request.extensions.is_empty());
        }
        let given =
            parse_request(json!({"query": "{a}", "variables": {"a": null}, "operationName": "A"})).unwrap();
        assert_eq!(given.operation_name.as_deref(), Some("A"));
        assert!(given.variables.contains_key("a"));
        let named = parse_request(json!({"query": null, "extensions": {"persistedQuery": {}}})).unwrap();
        assert_eq!(named.query, "");
    }

    #[test]
    fn invalid_requests_are_described() {
        for (sent, named) in [
            (json!({}), "no query"),
            (json!({"query": 1}), "query is not a text"),
            (json!({"query": "{a}", "variables": "{}"}), "variables are a text"),
            (
                json!({"query": "{a}", "variables": [1]}),
                "variables are not a JSON object",
            ),
            (
                json!({"query": "{a}", "extensions": 1}),
                "extensions are not a JSON object",
            ),
            (
                json!({"query": "{a}", "operationName": 1}),
                "operationName is not a text",
            ),
        ] {
            let refused = parse_request(sent.clone()).unwrap_err();
            assert!(refused.contains(named), "{sent}: {refused}");
        }
    }

    #[test]
    fn empty_query_parameters_are_absent() {
        for (query, expected) in [
            ("query={a}&variables=&extensions=&operationName=", "query={a}"),
            ("query={a}&variables&operationName=%20", "query={a}"),
            (
                "variables={}&query={a}&operationName=A",
                "variables={}&query={a}&operationName=A",
            ),
            ("query=", "query="),
            ("", ""),
        ] {
            assert_eq!(remove_empty_parameters(query), expected);
        }
    }
}
