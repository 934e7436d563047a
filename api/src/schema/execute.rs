//! Executes operations: each is prepared, validated, authorised and then resolved.

use std::future::Future;
use std::sync::{Arc, LazyLock};

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::parser::types::OperationType;
use async_graphql::{Data, Pos, Request, Response, ServerError, ValidationMode, Value};
use futures_util::stream::{self, BoxStream, StreamExt};

use super::{MAX_DIRECTIVES, MAX_SELECTED_FIELDS, MAX_SELECTION_DEPTH, Schema, schema_builder, schema_sdl};
use crate::app::App;
use crate::auth::requester::Requester;
use crate::error::Error;
use crate::graphql::error::finalise_errors;
use crate::graphql::loader::PendingKeys;
use crate::graphql::operation::charge::PendingCharge;
use crate::graphql::operation::cost::Introspection;
use crate::graphql::operation::deadline::{operation_deadline, respond_within};
use crate::graphql::operation::prepare::{
    PreparedOperation, SchemaTypes, authorise_operation, prepare_operation,
};
use crate::graphql::operation::subscription::ExecutionStarted;

/// The text before the names that the library suggests.
const SUGGESTION_PREFIX: &str = " Did you mean";

/// The types do not change while the process runs.
static SCHEMA_TYPES: LazyLock<SchemaTypes> = LazyLock::new(|| SchemaTypes::from_sdl(schema_sdl()));

/// The response to an operation.
#[derive(Debug)]
pub struct OperationResponse {
    pub response: Response,
    /// Whether the operation was executed. If not, the errors say why.
    pub was_executed: bool,
}

impl OperationResponse {
    fn refused(errors: Vec<ServerError>) -> Self {
        Self {
            response: Response::from_errors(errors),
            was_executed: false,
        }
    }

    const fn executed(response: Response) -> Self {
        Self {
            response,
            was_executed: true,
        }
    }
}

/// Executes the operations of a running service.
///
/// The library has no function that only validates a document, and with any extension it wraps every field. So
/// there are three schemas of the same types.
#[derive(Clone)]
pub struct OperationExecutor {
    app: Arc<App>,
    /// Validates documents, and executes nothing.
    validation: Schema,
    /// Executes queries and mutations, without an extension.
    operations: Schema,
    /// Executes subscriptions. An extension gives each event its own loader.
    subscriptions: Schema,
}

impl OperationExecutor {
    pub fn new(app: Arc<App>) -> Self {
        let builder = || match app.cost_control.settings.introspection {
            Introspection::Open => schema_builder(),
            Introspection::Closed => schema_builder().disable_introspection().disable_suggestions(),
        };
        // A document is executed only if it is valid.
        let executing = || {
            builder()
                .validation_mode(ValidationMode::Fast)
                .data(Arc::clone(&app))
        };
        Self {
            validation: builder()
                .extension(ValidationOnly)
                .limit_depth(MAX_SELECTION_DEPTH)
                .limit_complexity(MAX_SELECTED_FIELDS)
                .limit_directives(MAX_DIRECTIVES)
                .finish(),
            operations: executing().finish(),
            subscriptions: executing().extension(EventExecution).finish(),
            app,
        }
    }

    /// Executes a query or a mutation.
    pub async fn execute(&self, request: Request, requester: Requester) -> OperationResponse {
        let charge = PendingCharge::default();
        let mut answer = match self.prepare(request, &requester, &charge).await {
            Ok(operation) => OperationResponse::executed(self.resolve(operation, requester).await),
            Err(errors) => OperationResponse::refused(errors),
        };
        charge.add_to_response(&mut answer.response);
        finalise_errors(&mut answer.response);
        answer
    }

    /// Executes an operation of any type. `session_data` is for the resolvers of subscriptions.
    pub fn execute_stream(
        &self,
        request: Request,
        requester: impl Future<Output = Result<Requester, Error>> + Send + 'static,
        session_data: Arc<Data>,
    ) -> BoxStream<'static, OperationResponse> {
        let executor = self.clone();
        let responses = async move {
            let charge = PendingCharge::default();
            let prepared = match requester.await {
                Ok(requester) => {
                    let operation = executor.prepare(request, &requester, &charge).await;
                    operation.map(|operation| (operation, requester))
                }
                Err(error) => Err(vec![
                    async_graphql::Error::from(error).into_server_error(Pos::default()),
                ]),
            };
            let mut answer = match prepared {
                Ok((operation, requester))
                    if operation.operation_type == Some(OperationType::Subscription) =>
                {
                    return executor.subscribe(operation, requester, session_data, charge);
                }
                Ok((operation, requester)) => {
                    OperationResponse::executed(executor.resolve(operation, requester).await)
                }
                Err(errors) => OperationResponse::refused(errors),
            };
            charge.add_to_response(&mut answer.response);
            finalise_errors(&mut answer.response);
            stream::iter([answer]).boxed()
        };
        stream::once(responses).flatten().boxed()
    }

    /// Does everything that comes before execution.
    async fn prepare(
        &self,
        request: Request,
        requester: &Requester,
        charge: &PendingCharge,
    ) -> Result<PreparedOperation, Vec<ServerError>> {
        let types = &*SCHEMA_TYPES;
        let prepared = prepare_operation(&self.app, types, request, requester, charge);
        let prepared = prepared.map_err(|error| vec![error])?;
        self.validate(&prepared).await?;
        authorise_operation(&self.app, types, &prepared, requester, charge)?;
        Ok(prepared)
    }

    async fn validate(&self, prepared: &PreparedOperation) -> Result<(), Vec<ServerError>> {
        let mut request = Request::new("").variables(prepared.request.variables.clone());
        request
            .operation_name
            .clone_from(&prepared.request.operation_name);
        request.set_parsed_query(prepared.document.clone());
        let mut errors = self.validation.execute(request).await.errors;
        if self.app.cost_control.settings.introspection == Introspection::Closed {
            // Suggestions are disabled in the library, but it still makes them for arguments of directives.
            for error in &mut errors {
                if let Some(at) = error.message.find(SUGGESTION_PREFIX) {
                    error.message.truncate(at);
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Resolves a query or a mutation within its deadline.
    async fn resolve(&self, operation: PreparedOperation, requester: Requester) -> Response {
        let keys = Arc::new(PendingKeys::new(&self.app, &requester));
        let deadline = operation_deadline(operation.operation_type, self.app.engine.deadline());
        let mut request = operation.request.data(requester).data(Arc::clone(&keys));
        request.set_parsed_query(operation.document);
        respond_within(deadline, keys.load_during(self.operations.execute(request))).await
    }

    /// Starts a subscription. An error before its first event refuses it.
    fn subscribe(
        &self,
        operation: PreparedOperation,
        requester: Requester,
        session_data: Arc<Data>,
        charge: PendingCharge,
    ) -> BoxStream<'static, OperationResponse> {
        let started = Arc::<ExecutionStarted>::default();
        let mut request = operation.request.data(requester).data(Arc::clone(&started));
        request.set_parsed_query(operation.document);
        let events = self
            .subscriptions
            .execute_stream_with_session_data(request, session_data);
        let app = Arc::clone(&self.app);
        let charged = events.map(move |mut response| {
            charge.charge_response(&app, &mut response);
            finalise_errors(&mut response);
            OperationResponse {
                response,
                was_executed: started.is_marked(),
            }
        });
        charged.boxed()
    }
}

/// Lists what is wrong with a document, without executing it.
#[cfg(test)]
pub async fn find_document_errors(document: &str) -> Vec<String> {
    let schema = schema_builder()
        .extension(ValidationOnly)
        .limit_depth(MAX_SELECTION_DEPTH)
        .limit_complexity(MAX_SELECTED_FIELDS)
        .limit_directives(MAX_DIRECTIVES)
        .finish();
    let errors = schema.execute(Request::new(document)).await.errors;
    errors.into_iter().map(|error| error.message).collect()
}

/// Stops each operation once it is validated.
struct ValidationOnly;

impl ExtensionFactory for ValidationOnly {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for ValidationOnly {
    async fn execute(&self, _: &ExtensionContext<'_>, _: Option<&str>, _: NextExecute<'_>) -> Response {
        Response::new(Value::Null)
    }
}

/// Executes each event of a subscription with its own loader, within the deadline.
struct EventExecution;

impl ExtensionFactory for EventExecution {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for EventExecution {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        ctx.data_unchecked::<Arc<ExecutionStarted>>().mark();
        let app = ctx.data_unchecked::<Arc<App>>();
        let keys = Arc::new(PendingKeys::new(app, ctx.data_unchecked::<Requester>()));
        let mut data = Data::default();
        data.insert(Arc::clone(&keys));
        let deadline = operation_deadline(Some(OperationType::Subscription), app.engine.deadline());
        let event = next.run_with_data(ctx, operation_name, data);
        respond_within(deadline, keys.load_during(event)).await
    }
}
