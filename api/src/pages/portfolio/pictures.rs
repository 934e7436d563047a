//! The pictures of the portfolio as files.

use axum::extract::{Query, State};
use axum::response::Response;
use serde_json::json;
use wayin_entity::Capability;

use super::PortfolioParameters;
use super::comparison::draw_bars;
use super::grants::GrantDivision;
use super::operations::{OwnGrantsOperation, PortfolioOperation};
use super::question::{PortfolioQuestion, list_variables};
use crate::pages::answer::address::{build_address, scope_code};
use crate::pages::answer::wording::{describe_as_of, describe_source};
use crate::pages::chart::PictureFooter;
use crate::pages::download::{PictureFormat, serve_picture};
use crate::pages::error::PageError;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

/// A picture of the portfolio.
#[derive(Clone, Copy, Debug)]
pub enum PortfolioPicture {
    /// The portfolio against the rest.
    Comparison(PortfolioQuestion),
    /// The grants of the organisation.
    Grants(&'static GrantDivision),
}

impl PortfolioPicture {
    /// The name in addresses, and in the names of its files.
    const fn name(self) -> &'static str {
        match self {
            Self::Comparison(question) => question.name(),
            Self::Grants(division) => division.id,
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let comparison = PortfolioQuestion::from_name(name).map(Self::Comparison);
        comparison.or_else(|| GrantDivision::from_id(name).map(Self::Grants))
    }
}

pub(super) async fn send_svg(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(given): Query<PortfolioParameters>,
) -> Result<Response, PageError> {
    send_picture(&service, &visitor, &given, PictureFormat::Svg).await
}

pub(super) async fn send_png(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(given): Query<PortfolioParameters>,
) -> Result<Response, PageError> {
    send_picture(&service, &visitor, &given, PictureFormat::Png).await
}

/// Asks the questions, and sends a picture of an answer that can be kept apart from the page.
async fn send_picture(
    service: &PageService,
    visitor: &Visitor,
    given: &PortfolioParameters,
    format: PictureFormat,
) -> Result<Response, PageError> {
    visitor.require(Capability::ActForOrganisation)?;
    let no_picture =
        || visitor.not_found("There is no such picture. Open your portfolio and download the picture there.");
    let named = given.picture.as_deref().and_then(PortfolioPicture::from_name);
    let picture = named.ok_or_else(no_picture)?;
    if matches!(picture, PortfolioPicture::Grants(_)) {
        visitor.require(Capability::ImportGrants)?;
    }
    let scope = given.scope();
    let found: PortfolioOperation = service.execute(visitor, list_variables(scope)).await?;
    let owner = found.owner();
    let (answer, asked, drawn) = match picture {
        PortfolioPicture::Comparison(question) => {
            let answer = question.find_answer(&found);
            let group = answer.groups.first().ok_or_else(no_picture)?;
            (
                answer,
                question.describe(owner),
                draw_bars(question, answer, group),
            )
        }
        PortfolioPicture::Grants(division) => {
            let grants: OwnGrantsOperation = service.execute(visitor, json!({})).await?;
            // Any of the answers says as of when, and has the licence.
            let answer = PortfolioQuestion::Ambitions.find_answer(&found);
            (answer, division.describe(owner), division.draw(owner, &grants))
        }
    };
    let page = build_address("/portfolio", &[("scope", scope_code(scope).to_owned())]);
    let footer = PictureFooter {
        question: asked,
        source: describe_source(answer.is_illustrative()).into(),
        basis: drawn.basis.clone(),
        licence: answer.licence.clone(),
        date: describe_as_of(&answer.as_of),
        address: service.app.public_address(&page),
    };
    let name = format!("portfolio-{}", picture.name());
    serve_picture(service, visitor, &drawn.wide, &footer, (&name, format)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_is_found_by_its_name() {
        let comparisons = PortfolioQuestion::ALL.map(PortfolioPicture::Comparison);
        let grants = GrantDivision::ALL.map(PortfolioPicture::Grants);
        for picture in comparisons.into_iter().chain(grants) {
            let name = picture.name();
            let found = PortfolioPicture::from_name(name).map(PortfolioPicture::name);
            assert_eq!(found, Some(name));
        }
        assert!(PortfolioPicture::from_name("other").is_none());
    }
}
