//! The charge for an operation: its cost, and whether its payer can pay.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::{Pos, Response, ServerError, ServerResult, Value, value};

use super::cost::weights;
use super::cost::{Balance, RateLimitKey, cost_headers};
use crate::app::App;
use crate::error::Error;

/// The cost of one operation and the state of its payment.
#[derive(Clone, Debug)]
struct OperationCharge {
    payer: RateLimitKey,
    points: u32,
    balance: Balance,
    /// The hash to store the document under, and the document.
    document_to_store: Option<(String, String)>,
    /// The number of responses sent so far.
    response_count: u32,
}

impl OperationCharge {
    /// Formats the charge for the `extensions` of a response.
    fn to_extension(&self) -> Value {
        value!({
            "requested": self.points,
            "rateLimit": {
                "remaining": self.balance.remaining,
                "capacity": self.balance.rate.capacity,
                "restoreRate": self.balance.restores_per_second(),
            },
        })
    }

    fn add_to_response(&self, response: &mut Response) {
        response.extensions.insert("cost".into(), self.to_extension());
        response
            .http_headers
            .extend(cost_headers(self.points, &self.balance));
    }
}

/// The charge for one operation. Empty until the payer is known.
#[derive(Clone, Debug, Default)]
pub struct PendingCharge(Arc<Mutex<Option<OperationCharge>>>);

impl PendingCharge {
    fn lock(&self) -> MutexGuard<'_, Option<OperationCharge>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Charges the payer the minimum and starts the charge.
    pub(super) fn reserve(&self, app: &App, payer: RateLimitKey) -> ServerResult<()> {
        let now = app.clock.now();
        let paid = app.cost_control.reserve(payer, now);
        *self.lock() = Some(OperationCharge {
            payer,
            points: weights::MIN_POINTS,
            balance: app.cost_control.rate_limiter.balance(payer, now),
            document_to_store: None,
            response_count: 0,
        });
        paid.map(drop).map_err(document_error)
    }

    /// Sets the cost of the operation. `to_keep` is the hash to store the document under, and the document.
    pub(super) fn set_cost(&self, points: u32, to_keep: Option<(String, String)>) {
        if let Some(bill) = &mut *self.lock() {
            bill.points = points;
            bill.document_to_store = to_keep;
        }
    }

    /// Charges the rest of the points and stores the document if requested.
    pub(super) fn settle(&self, app: &App) -> ServerResult<()> {
        let mut bill = self.lock();
        let Some(bill) = &mut *bill else {
            return Ok(());
        };
        let now = app.clock.now();
        let paid = app.cost_control.settle(bill.payer, bill.points, now);
        bill.balance = app.cost_control.rate_limiter.balance(bill.payer, now);
        paid.map_err(document_error)?;
        if let Some((hash, document)) = bill.document_to_store.take() {
            app.cost_control.persisted_queries.store(hash, &document);
        }
        Ok(())
    }

    /// Charges a response of a subscription and adds the charge to it. The first response was paid for when
    /// the operation started. Each later one is charged as far as points are left, and is always sent.
    pub fn charge_response(&self, app: &App, response: &mut Response) {
        if let Some(bill) = &mut *self.lock() {
            if bill.response_count > 0 {
                bill.balance =
                    app.cost_control
                        .rate_limiter
                        .spend_available(bill.payer, bill.points, app.clock.now());
            }
            bill.response_count = bill.response_count.saturating_add(1);
            bill.add_to_response(response);
        }
    }

    /// Adds the charge to a response.
    pub fn add_to_response(&self, response: &mut Response) {
        if let Some(bill) = &*self.lock() {
            bill.add_to_response(response);
        }
    }
}

/// Builds an error about the document as a whole.
pub(super) fn document_error(error: Error) -> ServerError {
    let mut refused = async_graphql::Error::from(error).into_server_error(Pos::default());
    refused.locations.clear();
    refused
}
