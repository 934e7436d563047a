//! Addresses of questions and of their files.

use wayin_engine::query::RecordScope;

use crate::pages::operation::encode_parameter;

/// Builds an address of this server.
pub fn build_address(path: &str, parameters: &[(&str, String)]) -> String {
    if parameters.is_empty() {
        return path.to_owned();
    }
    let parameters: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", encode_parameter(value)))
        .collect();
    format!("{path}?{}", parameters.join("&"))
}

/// The code of a scope in addresses and in GraphQL.
pub const fn scope_code(scope: RecordScope) -> &'static str {
    match scope {
        RecordScope::All => "ALL",
        RecordScope::Visible => "VISIBLE",
    }
}

/// The scope with a code.
pub fn read_scope(code: &str) -> Option<RecordScope> {
    [RecordScope::All, RecordScope::Visible]
        .into_iter()
        .find(|scope| scope_code(*scope) == code)
}
