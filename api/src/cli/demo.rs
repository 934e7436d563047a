//! `wayin demo`: serves a temporary database of example evidence until it is stopped. Every run gives the same figures.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use sea_orm::DatabaseConnection;
use sea_orm_migration::MigratorTrait as _;
use wayin_entity::{Capability, Labelled as _, OrganisationKind, Role, to_heading};
use wayin_migration::Migrator;

use super::error::CliError;
use super::member::error_from_rejection;
use super::output::{print_line, print_note};
use super::serve::wait_for_stop_signal;
use crate::app::App;
use crate::auth::issued_token::TokenIssuer;
use crate::auth::jwt::{TokenSigner, TokenSubject, TokenVerifier};
use crate::auth::member;
use crate::auth::permission::Permissions;
use crate::auth::session::sign_in_link::{DEMONSTRATION_LINK_LIFETIME, create_sign_in_link};
use crate::change_log::ActionContext;
use crate::clock::{Clock, FixedClock, SystemClock};
use crate::config::{self, read_environment};
use crate::instance;
use crate::load_sample;
use crate::pattern::engine::PatternEngine;
use crate::public_url::PublicUrl;
use crate::secret::generate_secret;
use crate::{database, server};

const ISSUER: &str = "https://demo.wayin.invalid";
const AUDIENCE: &str = "wayin-demo";

/// The question of the README, by region.
const EXAMPLE_QUERY: &str = "{ pattern(when: {fundingTerms: {some: {durationMonths: {lte: 18}}}}, then: {challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}, by: REGION) { summary { text } groups(first: 20) { nodes { label table { both whenOnly } rateWhen { value } } } } }";

/// The time at which the example evidence is entered. It is fixed, so that the ids are the same in each run.
fn sample_timestamp() -> DateTime<Utc> {
    DateTime::from_timestamp(1_735_689_600, 0).unwrap_or_default()
}

pub async fn run_demo(port: u16) -> Result<(), CliError> {
    let folder = tempfile::Builder::new()
        .prefix("wayin-demo-")
        .tempdir()
        .map_err(|cause| CliError::Io("a temporary folder".into(), cause))?;
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("demo.db").display());
    print_note!("Loading the example evidence ...");
    let db = database::connect(&url).await?;
    let clock = FixedClock::at(sample_timestamp());
    Migrator::up(&db, None).await?;
    instance::ensure_demonstration_instance(&db, &clock).await?;
    let act = ActionContext {
        clock: &clock,
        member: None,
        reason: "example evidence",
    };
    load_sample::load_sample(&db, &act, wayin_sample::generate_evidence()).await?;
    let (signer, verifier) = create_keys()?;
    let tokens = create_members(&db, &act, &signer).await?;
    let engine = Arc::new(PatternEngine::new(config::read_engine_settings(
        &read_environment,
    )?)?);
    let issuing = TokenIssuer {
        signer,
        issuer: ISSUER.into(),
    };
    // The evidence is made up, so visitors can ask about it too.
    let permissions = Permissions::default().with_public_questions(true);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let failed = |cause| CliError::Io(address.to_string(), cause);
    let listener = server::bind_listener(address, true).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let app = App::new(db, verifier, Arc::new(SystemClock), engine)
        .with_token_issuer(Some(issuing))
        .with_permissions(permissions)
        .with_public_url(Some(PublicUrl::on_this_machine(address.port())));
    let app = Arc::new(app);
    app.engine.catch_up(&app.db, &|_| ()).await?;
    print_instructions(address, &tokens);
    server::serve(
        Arc::clone(&app),
        listener,
        wait_for_stop_signal(app.http.stop_timeout),
        |_| (),
    )
    .await
    .map_err(failed)?;
    database::close(&app.db).await;
    Ok(())
}

/// Creates a random key for this run. Tokens of earlier runs are not valid.
fn create_keys() -> Result<(TokenSigner, TokenVerifier), CliError> {
    let secret: [u8; 32] = generate_secret()?;
    let signer = TokenSigner::new(
        Algorithm::HS256,
        EncodingKey::from_secret(&secret),
        AUDIENCE.into(),
    );
    let verifier = TokenVerifier::new(
        Algorithm::HS256,
        DecodingKey::from_secret(&secret),
        ISSUER,
        AUDIENCE,
    );
    Ok((signer, verifier))
}

struct DemoMember {
    role: Role,
    name: String,
    token: String,
    /// The path of a link that signs the member in once.
    sign_in_path: String,
}

/// Creates a member of each role, with a token and a sign-in link that are valid for a day.
async fn create_members(
    db: &DatabaseConnection,
    act: &ActionContext<'_>,
    signer: &TokenSigner,
) -> Result<Vec<DemoMember>, CliError> {
    let of_kind = |kind: OrganisationKind| async move {
        use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
        use wayin_entity::organisation::{Column, Entity};
        Entity::find()
            .filter(Column::Kind.eq(kind))
            .order_by_asc(Column::Identifier)
            .one(db)
            .await
    };
    let funder = of_kind(OrganisationKind::Funder).await?;
    let partner = of_kind(OrganisationKind::DeliveryOrganisation).await?;
    let mut ready = Vec::new();
    for (role, subject, organisation) in [
        (Role::Funder, "demo-funder", funder),
        (Role::Partner, "demo-partner", partner),
        (Role::Dashboard, "demo-dashboard", None),
        (Role::Steward, "demo-steward", None),
    ] {
        let subject = TokenSubject {
            issuer: ISSUER.into(),
            subject: subject.into(),
        };
        let token = signer
            .sign(&subject, SystemClock.now(), TimeDelta::days(1))
            .map_err(|cause| CliError::InvalidArguments(format!("A token could not be signed: {cause}")))?;
        let name = organisation
            .as_ref()
            .map_or_else(|| subject.subject.clone(), |one| one.name.clone());
        let added =
            member::add_or_update_member(db, act, subject, role, organisation.map(|one| one.id)).await?;
        // The clock of the example evidence is long past.
        let now = ActionContext {
            clock: &SystemClock,
            ..*act
        };
        let link = create_sign_in_link(db, &now, added.id, DEMONSTRATION_LINK_LIFETIME).await?;
        ready.push(DemoMember {
            role,
            name,
            token,
            sign_in_path: link.map_err(error_from_rejection)?.path(),
        });
    }
    Ok(ready)
}

fn print_instructions(address: SocketAddr, ready: &[DemoMember]) {
    let steward = ready
        .iter()
        .find(|one| one.role.can(Capability::ReadEveryRecord))
        .map_or("", |one| one.token.as_str());
    print_line!("Wayin's demonstration. Its evidence is illustrative: made up, in real places.\n");
    print_line!("Open a link in a browser to sign in. Each works once, today:");
    for DemoMember {
        role,
        name,
        sign_in_path,
        ..
    } in ready
    {
        print_line!(
            "{:13} {name}\n              http://{address}{sign_in_path}",
            to_heading(role.label())
        );
    }
    print_line!("\nGraphQL   http://{address}/graphql");
    print_line!("GraphiQL  http://{address}/graphiql\n");
    print_line!("Tokens, good for a day and for this run alone:");
    for DemoMember {
        role, name, token, ..
    } in ready
    {
        print_line!("{:10} {name}\n           {token}", role.code());
    }
    let body = serde_json::json!({ "query": EXAMPLE_QUERY }).to_string();
    print_line!("\nDo short funding and skipped ambitions go together, and where is it different? Ask:\n");
    print_line!(
        "curl -s http://{address}/graphql -H 'Content-Type: application/json' -H 'Authorization: Bearer {steward}' -d '{body}'\n"
    );
    print_line!("Stop it with Ctrl-C; the base is temporary and goes with it.");
}
