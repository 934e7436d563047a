//! Prepares each operation once, over every transport, for everything that depends on it: limits, variables,
//! cost, permissions and the deadline.

use std::sync::{Arc, OnceLock};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextPrepareRequest,
    NextRequest, NextResolve, NextSubscribe, NextValidation, ResolveInfo,
};
use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Request, Response, ServerError, ServerResult, ValidationResult, Value, Variables};
use futures_util::stream::{BoxStream, StreamExt};

use super::charge::{PendingCharge, document_error};
use super::client_ip::ClientIp;
use super::cost::{FieldTypes, Introspection, RateLimitKey, estimate_cost};
use super::document::MeasuredMarker;
use super::persisted_queries::PersistedQueryRequest;
use super::subscription::{ExecutionStarted, check_single_root_field};
use super::variables::InputTypes;
use super::{deadline, document, document_limits, variables};
use crate::app::App;
use crate::auth::permission::{Permissions, RequesterKind};
use crate::auth::requester::Requester;
use crate::error::Error;
use crate::error_code::set_retry_after;
use crate::graphql::error::find_cause;

/// The text before the names that the library suggests.
const SUGGESTION_PREFIX: &str = " Did you mean";

/// Prepares operations with the types of a schema.
#[derive(Clone, Debug)]
pub struct PrepareOperations {
    /// The types of fields, for the cost.
    pub costs: Arc<FieldTypes>,
    /// The types of variables and arguments.
    pub inputs: Arc<InputTypes>,
    /// Who may request each field.
    pub permissions: Permissions,
}

impl ExtensionFactory for PrepareOperations {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(OperationPreparation {
            extension: self.clone(),
            operation_name: OnceLock::new(),
            context: OnceLock::new(),
            charge: PendingCharge::default(),
        })
    }
}

/// What is known about an operation after its document is parsed and checked.
#[derive(Debug)]
struct OperationContext {
    /// None if the document does not have the requested operation; validation reports the error.
    operation_type: Option<OperationType>,
    /// Includes the defaults that the operation declares.
    variables: Variables,
}

/// The state of the preparation of one operation.
struct OperationPreparation {
    extension: PrepareOperations,
    operation_name: OnceLock<Option<String>>,
    context: OnceLock<OperationContext>,
    charge: PendingCharge,
}

impl OperationPreparation {
    fn operation_name(&self) -> Option<&str> {
        self.operation_name.get().and_then(Option::as_deref)
    }

    /// Checks a parsed document and its variables, estimates its cost, and records its operation type and
    /// variables.
    fn prepare(
        &self,
        ctx: &ExtensionContext<'_>,
        payer: RateLimitKey,
        query: &str,
        document: &mut ExecutableDocument,
        variables: &Variables,
    ) -> ServerResult<()> {
        for (_, operation) in document.operations.iter() {
            if operation.node.ty == OperationType::Subscription {
                check_single_root_field(&operation.node)?;
            }
        }
        variables::check_operation_variables(
            &self.extension.inputs,
            document,
            self.operation_name(),
            variables,
        )?;
        let cost = estimate_cost(&self.extension.costs, document, self.operation_name(), variables);
        let to_keep = match ctx.data_opt::<PersistedQueryRequest>() {
            Some(PersistedQueryRequest::Register(hash)) => Some((hash.clone(), query.to_owned())),
            _ => None,
        };
        self.charge.set_cost(cost.points, to_keep);
        let costs = &app_from_context(ctx).cost_control;
        if cost.has_introspection && costs.settings.introspection == Introspection::Closed {
            return Err(document_error(Error::Forbidden(
                "the schema cannot be asked for here".into(),
            )));
        }
        costs
            .require_affordable(payer, cost.points)
            .map_err(document_error)?;
        let operation = document::find_operation(document, self.operation_name());
        // The value is set only once, because each request is parsed once.
        let _ = self.context.set(OperationContext {
            operation_type: operation.map(|operation| operation.node.ty),
            variables: variables.clone(),
        });
        Ok(())
    }
}

fn app_from_context<'a>(ctx: &ExtensionContext<'a>) -> &'a Arc<App> {
    ctx.data_unchecked::<Arc<App>>()
}

#[async_graphql::async_trait::async_trait]
impl Extension for OperationPreparation {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        for error in &response.errors {
            if let Some(error) = find_cause(error) {
                set_retry_after(&mut response.http_headers, error);
            }
        }
        self.charge.add_to_response(&mut response);
        response
    }

    /// Every operation over a WebSocket passes through `subscribe`.
    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let app = Arc::clone(app_from_context(ctx));
        let bill = self.charge.clone();
        let charged = next.run(ctx, stream).map(move |mut response| {
            bill.charge_response(&app, &mut response);
            response
        });
        charged.boxed()
    }

    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        // The value is set only once, because each request is prepared once.
        let _ = self.operation_name.set(request.operation_name.clone());
        variables::add_defaults_to(&mut request);
        next.run(ctx, request).await
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let payer = RateLimitKey::from_request(ctx.data_opt::<Requester>(), ctx.data_opt::<ClientIp>());
        self.charge.reserve(app_from_context(ctx), payer)?;
        match ctx.data_opt::<PersistedQueryRequest>() {
            Some(PersistedQueryRequest::Unknown) => {
                return Err(document_error(Error::PersistedQueryNotFound));
            }
            Some(PersistedQueryRequest::Malformed(reason)) => {
                return Err(document_error(Error::BadInput((*reason).into())));
            }
            Some(PersistedQueryRequest::Register(_)) | None => {}
        }
        document_limits::check_limits(query, variables, ctx.data_opt::<MeasuredMarker>().is_some())?;
        let mut document = next.run(ctx, query, variables).await?;
        self.prepare(ctx, payer, query, &mut document, variables)?;
        Ok(document)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let mut validated = next.run(ctx).await;
        if let Err(errors) = &mut validated
            && app_from_context(ctx).cost_control.settings.introspection == Introspection::Closed
        {
            // Suggestions are disabled in the library, but it still makes them for arguments of directives.
            for error in errors {
                if let Some(at) = error.message.find(SUGGESTION_PREFIX) {
                    error.message.truncate(at);
                }
            }
        }
        let validated = validated?;
        self.charge
            .settle(app_from_context(ctx))
            .map_err(|error| vec![error])?;
        Ok(validated)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if let Some(begun) = ctx.data_opt::<Arc<ExecutionStarted>>() {
            begun.mark();
        }
        let operation_type = self.context.get().and_then(|context| context.operation_type);
        let deadline = deadline::operation_deadline(operation_type, app_from_context(ctx).engine.deadline());
        deadline::respond_within(deadline, next.run(ctx, operation_name)).await
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let asking = RequesterKind::from_requester(ctx.data_unchecked::<Requester>());
        let variables = self.context.get().map(|context| &context.variables);
        if let Err(refused) = self
            .extension
            .permissions
            .check_resolution(asking, &info, variables)
        {
            return Err(async_graphql::Error::from(refused).into_server_error(info.field.name.pos));
        }
        next.run(ctx, info).await
    }
}
