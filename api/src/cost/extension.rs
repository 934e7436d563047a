//! Charges each operation at the schema's door, and tells what it cost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextParseQuery, NextPrepareRequest, NextRequest,
    NextSubscribe, NextValidation,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    Pos, Request, Response, ServerError, ServerResult, ValidationResult, Value, Variables, value,
};
use futures_util::stream::{BoxStream, StreamExt};

use super::address::Caller;
use super::persisted::Sent;
use super::{Costs, Introspection, Payer, Standing, Types, headers, weigh, weights};
use crate::app::App;
use crate::auth::requester::Requester;
use crate::error::Error;
use crate::failure::set_retry_after;
use crate::graphql::operation::Name;

/// What the library puts before the names that a client may have meant.
const SUGGESTION: &str = " Did you mean";

/// Charges each operation, whichever way it came.
#[derive(Clone, Debug)]
pub struct Charging(Arc<Types>);

impl Charging {
    /// Charges by the weights of a schema's types.
    pub const fn by(types: Arc<Types>) -> Self {
        Self(types)
    }
}

impl ExtensionFactory for Charging {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(OfOne {
            types: Arc::clone(&self.0),
            name: Name::default(),
            bill: Arc::default(),
        })
    }
}

/// What one operation costs, and what became of it.
#[derive(Clone, Debug)]
struct Bill {
    payer: Payer,
    points: u32,
    standing: Standing,
    /// The document, and the hash that it is to be kept under.
    to_keep: Option<(String, String)>,
    /// How many answers it was given.
    answers: u32,
}

impl Bill {
    /// What an answer says of it.
    fn shown(&self) -> Value {
        value!({
            "requested": self.points,
            "budget": {
                "remaining": self.standing.remaining,
                "capacity": self.standing.rate.capacity,
                "restoresPerSecond": self.standing.restores_per_second(),
            },
        })
    }

    fn say(&self, response: &mut Response) {
        response.extensions.insert("cost".into(), self.shown());
        response.http_headers.extend(headers(self.points, &self.standing));
    }
}

/// The charging of one operation.
struct OfOne {
    types: Arc<Types>,
    name: Name,
    bill: Arc<Mutex<Option<Bill>>>,
}

fn locked(bill: &Mutex<Option<Bill>>) -> MutexGuard<'_, Option<Bill>> {
    bill.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(error: Error) -> ServerError {
    let mut refused = async_graphql::Error::from(error).into_server_error(Pos::default());
    // It is about the document as a whole.
    refused.locations.clear();
    refused
}

fn costs<'a>(ctx: &ExtensionContext<'a>) -> &'a Costs {
    &ctx.data_unchecked::<Arc<App>>().costs
}

impl OfOne {
    /// Has who asks pay for asking at all, and begins their bill.
    fn begin(&self, ctx: &ExtensionContext<'_>, payer: Payer) -> ServerResult<()> {
        let app = ctx.data_unchecked::<Arc<App>>();
        let now = app.clock.now();
        let paid = app.costs.charge_least(payer, now);
        *locked(&self.bill) = Some(Bill {
            payer,
            points: weights::LEAST,
            standing: app.costs.budgets.standing(payer, now),
            to_keep: None,
            answers: 0,
        });
        paid.map(drop).map_err(refused)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for OfOne {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        for error in &response.errors {
            if let Some(error) = error.source::<Error>() {
                set_retry_after(&mut response.http_headers, error);
            }
        }
        if let Some(bill) = &*locked(&self.bill) {
            bill.say(&mut response);
        }
        response
    }

    /// What is asked over a WebSocket comes this way alone. The first answer was paid for when the operation began; each
    /// that a subscription tells after it is paid for as far as there is something left, and told in any case.
    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let app = Arc::clone(ctx.data_unchecked::<Arc<App>>());
        let bill = Arc::clone(&self.bill);
        let told = next.run(ctx, stream).map(move |mut response| {
            if let Some(bill) = &mut *locked(&bill) {
                if bill.answers > 0 {
                    let now = app.clock.now();
                    bill.standing = app.costs.budgets.draw(bill.payer, bill.points, now);
                }
                bill.answers = bill.answers.saturating_add(1);
                bill.say(&mut response);
            }
            response
        });
        told.boxed()
    }

    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        self.name.note(&request);
        next.run(ctx, request).await
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let payer = Payer::of(ctx.data_opt::<Requester>(), ctx.data_opt::<Caller>());
        self.begin(ctx, payer)?;
        let sent = ctx.data_opt::<Sent>();
        match sent {
            Some(Sent::Unknown) => return Err(refused(Error::NotPersisted)),
            Some(Sent::Malformed(reason)) => {
                return Err(refused(Error::BadInput((*reason).into())));
            }
            Some(Sent::ToBeKept(_)) | None => {}
        }
        let document = next.run(ctx, query, variables).await?;
        let weighed = weigh(&self.types, &document, self.name.get(), variables);
        if let Some(bill) = &mut *locked(&self.bill) {
            bill.points = weighed.points;
            if let Some(Sent::ToBeKept(hash)) = sent {
                bill.to_keep = Some((hash.clone(), query.to_owned()));
            }
        }
        if weighed.introspects && costs(ctx).settings.introspection == Introspection::Closed {
            return Err(refused(Error::Forbidden(
                "the schema cannot be asked for here".into(),
            )));
        }
        costs(ctx).affordable(payer, weighed.points).map_err(refused)?;
        Ok(document)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let mut validated = next.run(ctx).await;
        if let Err(errors) = &mut validated
            && costs(ctx).settings.introspection == Introspection::Closed
        {
            // The library is told to suggest nothing, and does for arguments of directives all the same.
            for error in errors {
                if let Some(at) = error.message.find(SUGGESTION) {
                    error.message.truncate(at);
                }
            }
        }
        let validated = validated?;
        if let Some(bill) = &mut *locked(&self.bill) {
            let app = ctx.data_unchecked::<Arc<App>>();
            let now = app.clock.now();
            let paid = app.costs.charge_rest(bill.payer, bill.points, now);
            bill.standing = app.costs.budgets.standing(bill.payer, now);
            paid.map_err(|error| vec![refused(error)])?;
            if let Some((hash, document)) = bill.to_keep.take() {
                app.costs.persisted.keep(hash, &document);
            }
        }
        Ok(validated)
    }
}
