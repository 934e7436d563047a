//! Prepares an operation before it is executed, over every transport: limits, variables, cost and permissions.

use std::any::{Any, TypeId};

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Request, ServerError, ServerResult};

use super::charge::{PendingCharge, document_error};
use super::client_ip::ClientIp;
use super::cost::{Introspection, RateLimitKey, estimate_cost};
use super::document::MeasuredMarker;
use super::field_access::{self, RequestedOperation};
use super::field_types::FieldTypes;
use super::persisted_queries::PersistedQueryRequest;
use super::subscription::check_single_root_field;
use super::variables::InputTypes;
use super::{document, document_limits, variables};
use crate::app::App;
use crate::auth::requester::Requester;
use crate::error::Error;

/// The types of the schema, for the preparation.
#[derive(Debug)]
pub struct SchemaTypes {
    pub fields: FieldTypes,
    pub inputs: InputTypes,
}

impl SchemaTypes {
    /// Reads the types from a schema in the GraphQL schema definition language.
    pub fn from_sdl(sdl: &str) -> Self {
        Self {
            fields: FieldTypes::from_sdl(sdl),
            inputs: InputTypes::from_sdl(sdl),
        }
    }
}

/// An operation whose document is parsed and whose variables are checked. The library has not validated it yet.
pub struct PreparedOperation {
    /// Its variables include the defaults that the operation declares.
    pub request: Request,
    pub document: ExecutableDocument,
    /// None if the document does not have the requested operation; validation reports the error.
    pub operation_type: Option<OperationType>,
}

/// The data of a type that was added to a request.
fn request_data<T: Any>(request: &Request) -> Option<&T> {
    request.data.get(&TypeId::of::<T>())?.downcast_ref()
}

/// Charges the minimum, parses the document, checks it and its variables, and estimates its cost.
///
/// # Errors
/// Why the operation is refused.
pub fn prepare_operation(
    app: &App,
    types: &SchemaTypes,
    mut request: Request,
    requester: &Requester,
    charge: &PendingCharge,
) -> ServerResult<PreparedOperation> {
    variables::add_defaults_to(&mut request);
    let payer = RateLimitKey::from_request(Some(requester), request_data::<ClientIp>(&request));
    charge.reserve(app, payer)?;
    let document_to_store = match request_data::<PersistedQueryRequest>(&request) {
        Some(PersistedQueryRequest::Unknown) => return Err(document_error(Error::PersistedQueryNotFound)),
        Some(PersistedQueryRequest::Malformed(reason)) => {
            return Err(document_error(Error::BadInput((*reason).into())));
        }
        Some(PersistedQueryRequest::Register(hash)) => Some((hash.clone(), request.query.clone())),
        None => None,
    };
    let is_measured = request_data::<MeasuredMarker>(&request).is_some();
    document_limits::check_limits(&request.query, &request.variables, is_measured)?;
    let mut document = request.parsed_query()?.clone();
    for (_, operation) in document.operations.iter() {
        if operation.node.ty == OperationType::Subscription {
            check_single_root_field(&operation.node)?;
        }
    }
    let name = request.operation_name.as_deref();
    variables::check_operation_variables(&types.inputs, &mut document, name, &request.variables)?;
    let cost = estimate_cost(&types.fields, &document, name, &request.variables);
    charge.set_cost(cost.points, document_to_store);
    let settings = &app.cost_control.settings;
    if cost.has_introspection && settings.introspection == Introspection::Closed {
        return Err(document_error(Error::Forbidden(
            "the schema cannot be asked for here".into(),
        )));
    }
    app.cost_control
        .require_affordable(payer, cost.points)
        .map_err(document_error)?;
    let operation_type = document::find_operation(&document, name).map(|operation| operation.node.ty);
    Ok(PreparedOperation {
        request,
        document,
        operation_type,
    })
}

/// Checks that the requester may read everything that a valid operation selects and uses, and charges its cost.
///
/// # Errors
/// Each field that the requester may not read, or that the cost cannot be paid.
pub fn authorise_operation(
    app: &App,
    types: &SchemaTypes,
    prepared: &PreparedOperation,
    requester: &Requester,
    charge: &PendingCharge,
) -> Result<(), Vec<ServerError>> {
    let (document, request) = (&prepared.document, &prepared.request);
    let operation = document::find_operation(document, request.operation_name.as_deref());
    let operation = operation.ok_or_else(|| {
        let unknown = Error::BadInput("the document has no such operation".into());
        vec![document_error(unknown)]
    })?;
    let requested = RequestedOperation {
        requester: app.permissions.identify(requester),
        document,
        operation: &operation.node,
        variables: &request.variables,
    };
    let refusals = field_access::find_refusals(&app.permissions, &types.fields, requested);
    if !refusals.is_empty() {
        return Err(refusals);
    }
    charge.settle(app).map_err(|error| vec![error])
}
