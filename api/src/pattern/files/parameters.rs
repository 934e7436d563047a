//! The parameters of a request for a file. They have the names of the GraphQL arguments.

use async_graphql::InputType;
use axum::{extract::Query, http::Uri};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::graphql::input;
use crate::graphql::operation::cost;
use crate::graphql::operation::cost::weights::FILTER_ARGUMENTS;
use crate::initiative::filter_input::InitiativeFilter;
use wayin_engine::query::RecordScope;
use wayin_records::text::quote;

/// The parameters that are JSON documents, in an address too.
const DOCUMENT_PARAMETERS: [&str; 5] = ["when", "then", "among", "conditions", "groups"];
/// The parameter that is a number, in an address too.
const MIN_CHANGE_NUMBER: &str = "minChangeNumber";
/// Whether lines come before the table. Only files that can have such lines take it.
const PREAMBLE: &str = "preamble";
/// Whether the reader's portfolio is compared.
const PORTFOLIO: &str = "portfolio";
/// The parameters that are true or false, in an address too.
const BOOLEAN_PARAMETERS: [&str; 2] = [PREAMBLE, PORTFOLIO];
const SCOPE: &str = "scope";

fn describe_invalid_json(text: &str) -> String {
    format!(
        "{} is not JSON; write a JSON object, such as {{\"place\": {{\"is\": {{\"code\": \"E06000001\"}}}}}}",
        quote(text)
    )
}

/// The parameters of one request.
pub struct FileParameters(Map<String, Value>);

impl FileParameters {
    /// Parses the query string of an address. Input objects of GraphQL are written as JSON.
    pub fn from_uri(address: &Uri) -> Result<Self> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(address)
            .map_err(|_| Error::BadInput("the address has no valid parameters".into()))?;
        let mut given = Map::new();
        for (name, text) in pairs {
            let value = if DOCUMENT_PARAMETERS.contains(&name.as_str()) {
                serde_json::from_str(&text)
                    .map_err(|_| Error::bad_input(&name, describe_invalid_json(&text)))?
            } else if name == MIN_CHANGE_NUMBER {
                let number: i64 = text
                    .parse()
                    .map_err(|_| Error::bad_input(&name, "is not a whole number"))?;
                number.into()
            } else if BOOLEAN_PARAMETERS.contains(&name.as_str()) {
                let wanted: bool = text
                    .parse()
                    .map_err(|_| Error::bad_input(&name, "is neither true nor false"))?;
                wanted.into()
            } else {
                Value::String(text)
            };
            if given.contains_key(&name) {
                return Err(Error::bad_input(&name, "is given more than once"));
            }
            given.insert(name, value);
        }
        Ok(Self(given))
    }

    /// Parses a body, which is one JSON object.
    pub fn from_body(body: &[u8]) -> Result<Self> {
        serde_json::from_slice(body).map(Self).map_err(|cause| {
            let place = match (cause.line(), cause.column()) {
                (0, _) => String::new(),
                (line, column) => format!(" at line {line}, column {column}"),
            };
            Error::BadInput(format!(
                "the body is not a JSON object of the parameters{place}; write it such as {{\"of\": \"REGION\"}}"
            ))
        })
    }

    /// Rejects parameters that are neither in `own` nor among those that every file has. A CSV file also has
    /// [`PREAMBLE`]. Removes those that are null, which means the same as missing, as in GraphQL.
    pub fn require_known(&mut self, own: &[&'static str], has_preamble: bool) -> Result<()> {
        self.0.retain(|_, value| !value.is_null());
        let shared = [SCOPE, MIN_CHANGE_NUMBER].into_iter();
        let preamble = has_preamble.then_some(PREAMBLE);
        let known: Vec<&str> = own.iter().copied().chain(shared).chain(preamble).collect();
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(Error::bad_input(
                unknown,
                format!("this file has no such parameter; it has {}", known.join(", ")),
            )),
            None => Ok(()),
        }
    }

    /// The parameters as text, in the order of `own`, so that the request can be repeated.
    pub fn list_given(&self, own: &[&'static str]) -> Vec<(&'static str, String)> {
        own.iter()
            .filter_map(|name| {
                let text = match self.0.get(*name)? {
                    Value::String(text) => text.clone(),
                    document => document.to_string(),
                };
                Some((*name, text))
            })
            .collect()
    }

    /// The number of values of a parameter. A value that is not a list counts as one. None if the parameter is missing.
    pub fn count_values(&self, name: &str) -> Option<u64> {
        match self.0.get(name)? {
            Value::Null => None,
            Value::Array(values) => Some(values.len() as u64),
            _ => Some(1),
        }
    }

    /// The number of values that the filters compare with.
    pub fn count_comparisons(&self) -> u64 {
        let filters = self
            .0
            .iter()
            .filter(|(name, _)| FILTER_ARGUMENTS.contains(&name.as_str()));
        filters
            .filter_map(|(_, value)| async_graphql::Value::from_json(value.clone()).ok())
            .map(|value| cost::count_comparisons(&value, false))
            .fold(0, u64::saturating_add)
    }

    /// The parameters as arguments of the GraphQL field with the same answer.
    pub fn to_arguments(&self) -> Result<Vec<(String, async_graphql::Value)>> {
        let shared = self.0.iter().filter(|(name, _)| *name != PREAMBLE);
        let arguments = shared.map(|(name, value)| {
            let value = async_graphql::Value::from_json(value.clone())
                .map_err(|cause| Error::bad_input(name, cause))?;
            Ok((name.clone(), value))
        });
        arguments.collect()
    }

    /// Parses a parameter that may be missing.
    pub fn optional<T: InputType>(&self, name: &str) -> Result<Option<T>> {
        self.0
            .get(name)
            .map(|value| input::parse_input(name, value.clone()))
            .transpose()
    }

    /// Parses a parameter that must be present.
    pub fn required<T: InputType>(&self, name: &str) -> Result<T> {
        self.optional(name)?
            .ok_or_else(|| Error::bad_input(name, "is needed"))
    }

    /// Parses the filter of the population.
    pub fn among(&self) -> Result<Option<InitiativeFilter>> {
        self.optional("among")
    }

    /// Parses which records are counted. The default is all.
    pub fn scope(&self) -> Result<RecordScope> {
        Ok(self.optional(SCOPE)?.unwrap_or_default())
    }

    /// Parses whether the details come before the table. The default is no.
    pub fn preamble(&self) -> Result<bool> {
        Ok(self.optional(PREAMBLE)?.unwrap_or_default())
    }

    /// Parses whether the reader's portfolio is compared. The default is no.
    pub fn portfolio(&self) -> Result<bool> {
        Ok(self.optional(PORTFOLIO)?.unwrap_or_default())
    }

    /// Parses the number of the change that the answer must include.
    pub fn min_change_number(&self) -> Result<Option<i64>> {
        self.optional(MIN_CHANGE_NUMBER)
    }
}
