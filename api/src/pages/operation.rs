//! Executes the GraphQL operations of the pages, in process and as the visitor.

use async_graphql::{Request, ServerError, Value, Variables};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::PageError;
use super::service::PageService;
use super::visitor::Visitor;

/// An operation of a page with the type of its data.
pub trait PageOperation: DeserializeOwned + Serialize {
    /// The document: the operation, and the fragments that it uses.
    const DOCUMENT: &'static str;
}

/// An operation for the tests, which check it against the schema.
pub struct OperationCheck {
    pub document: &'static str,
    /// Reads data into the type of the operation and writes it again.
    pub read_and_write: fn(serde_json::Value) -> serde_json::Result<serde_json::Value>,
}

impl OperationCheck {
    /// The check of one operation.
    pub const fn of<O: PageOperation>() -> Self {
        Self {
            document: O::DOCUMENT,
            read_and_write: |data| serde_json::to_value(serde_json::from_value::<O>(data)?),
        }
    }
}

impl PageService {
    /// Executes an operation with the visitor's own permissions and rate limit.
    ///
    /// # Errors
    /// The first error of the response, as a page.
    pub async fn execute<O: PageOperation>(
        &self,
        visitor: &Visitor,
        variables: impl Serialize,
    ) -> Result<O, PageError> {
        let found = self.try_execute(visitor, variables).await?;
        found.map_err(|error| visitor.operation_error(&error))
    }

    /// Executes an operation whose error the page shows beside its form. The inner error is the first of the response.
    ///
    /// # Errors
    /// A page, if the variables or the data have another form than the operation.
    pub async fn try_execute<O: PageOperation>(
        &self,
        visitor: &Visitor,
        variables: impl Serialize,
    ) -> Result<Result<O, ServerError>, PageError> {
        let variables = to_json(visitor, &variables)?;
        let request = Request::new(O::DOCUMENT).variables(Variables::from_json(variables));
        self.try_execute_request(visitor, request).await
    }

    /// Executes an operation that is already a request, such as one with a file.
    ///
    /// # Errors
    /// The first error of the response, as a page.
    pub async fn execute_request<O: PageOperation>(
        &self,
        visitor: &Visitor,
        request: Request,
    ) -> Result<O, PageError> {
        let found = self.try_execute_request(visitor, request).await?;
        found.map_err(|error| visitor.operation_error(&error))
    }

    async fn try_execute_request<O: PageOperation>(
        &self,
        visitor: &Visitor,
        request: Request,
    ) -> Result<Result<O, ServerError>, PageError> {
        let request = self.app.cost_control.prepare_request(visitor.client_ip, request);
        let response = self
            .executor
            .execute(request, visitor.requester.clone())
            .await
            .response;
        if let Some(error) = response.errors.into_iter().next() {
            return Ok(Err(error));
        }
        let data = read_data(response.data)
            .map_err(|cause| visitor.internal_error(format!("the data of a page cannot be read: {cause}")))?;
        Ok(Ok(data))
    }

    /// The address of the explorer with an operation and its variables.
    pub fn graphiql_address(document: &str, variables: &impl Serialize) -> String {
        let variables = serde_json::to_string_pretty(variables).unwrap_or_default();
        format!(
            "/graphiql?query={}&variables={}",
            encode_parameter(document),
            encode_parameter(&variables)
        )
    }
}

/// Everything but the unreserved characters of RFC 3986, which mean the same wherever they are in an address.
const ENCODED_IN_PARAMETERS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Encodes the value of a parameter of an address.
pub fn encode_parameter(value: &str) -> String {
    utf8_percent_encode(value, ENCODED_IN_PARAMETERS).to_string()
}

/// The code of an error of an operation.
pub fn error_code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        _ => None,
    }
}

fn to_json(visitor: &Visitor, variables: &impl Serialize) -> Result<serde_json::Value, PageError> {
    serde_json::to_value(variables).map_err(|cause| {
        visitor.internal_error(format!("the variables of a page cannot be written: {cause}"))
    })
}

fn read_data<O: DeserializeOwned>(data: Value) -> serde_json::Result<O> {
    serde_json::from_value(data.into_json()?)
}

#[cfg(test)]
mod tests {
    use super::encode_parameter;

    #[test]
    fn unreserved_characters_stay_as_they_are() {
        for (value, encoded) in [
            ("", ""),
            ("aZ09-._~", "aZ09-._~"),
            ("/send?a=b&c#d", "%2Fsend%3Fa%3Db%26c%23d"),
            ("a b+c%", "a%20b%2Bc%25"),
            ("é", "%C3%A9"),
        ] {
            assert_eq!(encode_parameter(value), encoded);
        }
    }
}
