//! The time to refuse documents that try to overload the service: `cargo bench -p wayin-tests --bench guard`.
//! Each document goes through the whole service, as a request to `/graphql` does. The target is 50 ms for each.

#![allow(missing_docs, reason = "a program of its own")]
// The compiler computes the layout of the resolvers' nested futures.
#![recursion_limit = "256"]

#[allow(dead_code, reason = "shared with the stories")]
#[path = "../it/hostile/documents.rs"]
mod documents;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Response, Value, Variables};
use criterion::{Criterion, criterion_group, criterion_main};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::json;
use wayin::app::App;
use wayin::auth::jwt::TokenVerifier;
use wayin::auth::requester::{AuthenticatedMember, Requester};
use wayin::clock::SystemClock;
use wayin::graphql::operation::cost;
use wayin::graphql::operation::cost::{RateLimit, RateLimits};
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin::schema::execute::OperationExecutor;
use wayin_entity::Role;

async fn build_service() -> OperationExecutor {
    let db = sea_orm::Database::connect("sqlite::memory:").await.unwrap();
    let key = DecodingKey::from_secret(b"a secret that is known to benches alone");
    let verifier = TokenVerifier::new(Algorithm::HS256, key, "https://issuer.example.org", "wayin");
    let engine = Arc::new(PatternEngine::new(EngineSettings::default()).unwrap());
    // With the usual rate limits, the requests would be refused at once, and nothing would be measured.
    let unlimited = RateLimit {
        capacity: u32::MAX,
        per_minute: u32::MAX,
    };
    let costs = cost::CostSettings {
        rates: RateLimits {
            token: unlimited,
            address: unlimited,
        },
        ..cost::CostSettings::default()
    };
    let app = App::new(db, verifier, Arc::new(SystemClock), engine).with_cost_settings(costs);
    OperationExecutor::new(Arc::new(app))
}

/// Whether a document was refused for its content, and not because of the rate limit.
fn is_rejected(answer: &Response) -> bool {
    let limited = Value::from("RATE_LIMITED");
    let mut codes = answer
        .errors
        .iter()
        .map(|error| error.extensions.as_ref()?.get("code"));
    answer.is_err() && codes.all(|code| code != Some(&limited))
}

fn steward_requester() -> Requester {
    Requester::Member(AuthenticatedMember {
        id: uuid::Uuid::from_u128(1),
        subject: "steward".into(),
        role: Role::Steward,
        organisation: None,
        token: None,
    })
}

fn bench_rejections(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let executor = runtime.block_on(build_service());
    let mut refused = |name: &str, request: &dyn Fn() -> Request| {
        let execute = || {
            runtime
                .block_on(executor.execute(request(), steward_requester()))
                .response
        };
        assert!(is_rejected(&execute()), "{name} is refused");
        criterion.bench_function(name, |bencher| bencher.iter(execute));
        assert!(is_rejected(&execute()), "{name} is refused as often as it comes");
    };
    for hostile in documents::list_documents() {
        refused(hostile.tries, &|| Request::new(&hostile.document));
    }
    let nested = (0..60).fold(json!({}), |inner, _| json!({"and": [inner]}));
    let filter = Variables::from_json(json!({"filter": nested}));
    refused("a filter 120 deep among the variables", &|| {
        let query = "query($filter: InitiativeFilter) { initiatives(filter: $filter) { totalCount } }";
        Request::new(query).variables(filter.clone())
    });
}

criterion_group! {
    name = guard;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = bench_rejections
}
criterion_main!(guard);
