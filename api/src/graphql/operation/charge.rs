//! The bill of an operation: what it costs, and whether its payer can pay.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::{Pos, Response, ServerError, ServerResult, Value, value};

use super::cost::weights;
use super::cost::{Balance, Payer, headers};
use crate::app::App;
use crate::error::Error;

/// What one operation costs, and what became of it.
#[derive(Clone, Debug)]
struct Bill {
    payer: Payer,
    points: u32,
    balance: Balance,
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
            "rateLimit": {
                "remaining": self.balance.remaining,
                "capacity": self.balance.rate.capacity,
                "restoreRate": self.balance.restores_per_second(),
            },
        })
    }

    fn say(&self, response: &mut Response) {
        response.extensions.insert("cost".into(), self.shown());
        response.http_headers.extend(headers(self.points, &self.balance));
    }
}

/// The bill of one operation, once somebody is to pay for it.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenBill(Arc<Mutex<Option<Bill>>>);

impl OpenBill {
    fn lock(&self) -> MutexGuard<'_, Option<Bill>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Charges the payer for asking at all, and opens the bill.
    pub(super) fn begin(&self, app: &App, payer: Payer) -> ServerResult<()> {
        let now = app.clock.now();
        let paid = app.costs.charge_least(payer, now);
        *self.lock() = Some(Bill {
            payer,
            points: weights::LEAST,
            balance: app.costs.budgets.balance(payer, now),
            to_keep: None,
            answers: 0,
        });
        paid.map(drop).map_err(refuse_document)
    }

    /// Enters what the operation costs. `to_keep` is the document and the hash that it is to be stored under.
    pub(super) fn enter(&self, points: u32, to_keep: Option<(String, String)>) {
        if let Some(bill) = &mut *self.lock() {
            bill.points = points;
            bill.to_keep = to_keep;
        }
    }

    /// Charges the rest of the points, and stores the document if it is to be.
    pub(super) fn settle(&self, app: &App) -> ServerResult<()> {
        let mut bill = self.lock();
        let Some(bill) = &mut *bill else {
            return Ok(());
        };
        let now = app.clock.now();
        let paid = app.costs.charge_rest(bill.payer, bill.points, now);
        bill.balance = app.costs.budgets.balance(bill.payer, now);
        paid.map_err(refuse_document)?;
        if let Some((hash, document)) = bill.to_keep.take() {
            app.costs.persisted.keep(hash, &document);
        }
        Ok(())
    }

    /// Charges an answer of a subscription, and shows the bill in it. The first was paid for when the operation began;
    /// each later one is paid for as far as there is something left, and sent in any case.
    pub(super) fn charge_answer(&self, app: &App, response: &mut Response) {
        if let Some(bill) = &mut *self.lock() {
            if bill.answers > 0 {
                bill.balance = app.costs.budgets.draw(bill.payer, bill.points, app.clock.now());
            }
            bill.answers = bill.answers.saturating_add(1);
            bill.say(response);
        }
    }

    /// Shows the bill in a response.
    pub(super) fn show(&self, response: &mut Response) {
        if let Some(bill) = &*self.lock() {
            bill.say(response);
        }
    }
}

/// An error about a document as a whole.
pub(super) fn refuse_document(error: Error) -> ServerError {
    let mut refused = async_graphql::Error::from(error).into_server_error(Pos::default());
    refused.locations.clear();
    refused
}
