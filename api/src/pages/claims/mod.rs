//! The claims, and the page of each claim.

pub mod card;
pub mod operations;
pub mod pictures;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};

use self::card::ClaimCard;
use self::operations::{ClaimOperation, ClaimsOperation};
use self::pictures::{ClaimPicture, ClaimPictures};
use super::answer::data::{CautionData, PatternData};
use super::answer::pictures::{PictureSet, PictureView, name_answer_files, name_picture_files};
use super::answer::wording::{NOT_A_CAUSE, build_footer, cite};
use super::document::Page;
use super::download::serve_picture;
use super::error::PageError;
use super::layout::Layout;
use super::operation::{OperationCheck, PageOperation, encode_parameter};
use super::service::PageService;
use super::visitor::Visitor;

pub const OPERATIONS: &[OperationCheck] = &[
    OperationCheck::of::<ClaimsOperation>(),
    OperationCheck::of::<ClaimOperation>(),
];

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/", get(show_claims))
        .route("/claims/{slug}", get(show_claim))
        .route("/claims/{slug}/{picture}", get(send_picture))
}

/// The part of the list of claims.
#[derive(Deserialize)]
struct ListParameters {
    after: Option<String>,
}

/// The variables of [`ClaimsOperation`].
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClaimsVariables<'a> {
    after: Option<&'a str>,
    is_member: bool,
}

#[derive(Template)]
#[template(path = "claims/claims.html")]
struct ClaimsTemplate {
    layout: Layout,
    claims: Vec<ClaimCard>,
    /// Empty on the first page.
    first_address: &'static str,
    /// Empty on the last page.
    next_address: String,
}

async fn show_claims(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(given): Query<ListParameters>,
) -> Result<Page<ClaimsTemplate>, PageError> {
    let variables = ClaimsVariables {
        after: given.after.as_deref(),
        is_member: visitor.session.is_some(),
    };
    let found: ClaimsOperation = service.execute(&visitor, &variables).await?;
    let list = found.claims;
    let next_address = match list.page_info.end_cursor {
        Some(cursor) if list.page_info.has_next_page => format!("/?after={}", encode_parameter(&cursor)),
        _ => String::new(),
    };
    let claims: Vec<ClaimCard> = list.nodes.into_iter().map(ClaimCard::new).collect();
    let is_illustrative = claims.iter().any(|claim| claim.is_illustrative);
    let layout = visitor
        .layout("What communities say, and what the evidence says", "/")
        .with_query(PageService::graphiql_address(
            ClaimsOperation::DOCUMENT,
            &variables,
        ))
        .with_illustrative_evidence(is_illustrative);
    Ok(Page::new(ClaimsTemplate {
        layout,
        claims,
        first_address: if given.after.is_some() { "/" } else { "" },
        next_address,
    }))
}

#[derive(Template)]
#[template(path = "claims/claim.html")]
struct ClaimTemplate {
    layout: Layout,
    statement: String,
    explore_address: String,
    pattern: PatternData,
    cautions: Vec<CautionData>,
    reflection: Option<ClaimOrigin>,
    bars: PictureView,
    /// None if the claim has no groups.
    groups: Option<PictureView>,
    /// None if no year can be shown.
    trend: Option<PictureView>,
    citation: String,
    address: String,
}

/// The comment from which a claim comes.
struct ClaimOrigin {
    text: String,
    source: String,
}

async fn show_claim(
    visitor: Visitor,
    State(service): State<PageService>,
    Path(slug): Path<String>,
) -> Result<Page<ClaimTemplate>, PageError> {
    let variables = claim_variables(&visitor, &slug);
    let found: ClaimOperation = service.execute(&visitor, &variables).await?;
    let claim = found.claim.ok_or_else(|| no_claim(&visitor))?;
    let pictures = ClaimPictures::draw(&claim);
    let groups = claim.pattern.groups.as_ref();
    let groups = groups.map_or(&[][..], |groups| &groups.nodes);
    let cautions = claim.pattern.pattern.list_shown_cautions(groups);
    let pattern = claim.pattern.pattern;
    let path = format!("/claims/{}", claim.slug);
    let address = service.app.public_address(&path);
    let layout = visitor
        .layout(claim.statement.clone(), "/")
        .with_query(PageService::graphiql_address(
            ClaimOperation::DOCUMENT,
            &variables,
        ))
        .with_scripts(&["copy.js"])
        .with_illustrative_evidence(pattern.is_illustrative());
    let show = |kind: ClaimPicture, picture: PictureSet| {
        let files = name_picture_files(kind.subject(), |ending| {
            format!("{path}/{}.{ending}", kind.name())
        });
        PictureView::new(picture, &pattern.as_of, &pattern.licence).with_downloads(files)
    };
    let mut bars = show(ClaimPicture::Bars, pictures.bars);
    bars.downloads.extend(name_answer_files(|ending| {
        claim.question.download_address(ending)
    }));
    Ok(Page::new(ClaimTemplate {
        layout,
        explore_address: claim.question.explore_address(),
        reflection: claim.reflection.map(|reflection| ClaimOrigin {
            source: reflection.describe_source(),
            text: reflection.text,
        }),
        bars,
        groups: pictures.groups.map(|picture| show(ClaimPicture::Groups, picture)),
        trend: pictures.trend.map(|picture| show(ClaimPicture::Trend, picture)),
        citation: cite(&claim.statement, &pattern, &address, service.app.clock.now()),
        statement: claim.statement,
        pattern,
        cautions,
        address,
    }))
}

/// Sends a picture of a claim as a file.
async fn send_picture(
    visitor: Visitor,
    State(service): State<PageService>,
    Path((slug, file)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let no_picture = || visitor.not_found("There is no such picture. Open the claim and download it there.");
    let (kind, format) = ClaimPicture::from_file_name(&file).ok_or_else(no_picture)?;
    let found: ClaimOperation = service
        .execute(&visitor, claim_variables(&visitor, &slug))
        .await?;
    let claim = found.claim.ok_or_else(|| no_claim(&visitor))?;
    let picture = ClaimPictures::draw(&claim).find(kind).ok_or_else(no_picture)?;
    let address = service.app.public_address(&format!("/claims/{}", claim.slug));
    let by = kind.find_grouping(&claim.question);
    let footer = build_footer(&claim.pattern.pattern, by, &picture.basis, address);
    let name = format!("{}-{}", claim.slug, kind.name());
    serve_picture(&service, &visitor, &picture.wide, &footer, (&name, format)).await
}

fn claim_variables(visitor: &Visitor, slug: &str) -> serde_json::Value {
    serde_json::json!({ "slug": slug, "isMember": visitor.session.is_some() })
}

fn no_claim(visitor: &Visitor) -> PageError {
    visitor
        .not_found("There is no claim at this address. It may have a new name: look for it among the claims.")
}
