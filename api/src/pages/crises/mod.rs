//! The crises: periods that affect the work.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::answer::wording::format_date;
use super::document::Page;
use super::error::PageError;
use super::layout::Layout;
use super::operation::{OperationCheck, PageOperation, encode_parameter};
use super::service::PageService;
use super::visitor::Visitor;

pub const OPERATIONS: &[OperationCheck] = &[OperationCheck::of::<CrisesOperation>()];

pub fn router() -> Router<PageService> {
    Router::new().route("/crises", get(show_crises))
}

#[derive(Debug, Deserialize, Serialize)]
pub struct CrisesOperation {
    crises: CrisesOnPage,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct CrisesOnPage {
    page_info: CrisisListPage,
    nodes: Vec<CrisisData>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct CrisisListPage {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct CrisisData {
    slug: String,
    name: String,
    from: NaiveDate,
    to: Option<NaiveDate>,
    /// Only members can read them. Empty for a crisis of all places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    places: Option<Vec<CrisisPlaceName>>,
}

#[derive(Debug, Deserialize, Serialize)]
struct CrisisPlaceName {
    name: String,
}

impl PageOperation for CrisesOperation {
    const DOCUMENT: &'static str = include_str!("crises.graphql");
}

#[derive(Deserialize)]
struct CrisesParameters {
    after: Option<String>,
}

/// The variables of [`CrisesOperation`].
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CrisesVariables<'a> {
    after: Option<&'a str>,
    is_member: bool,
}

#[derive(Template)]
#[template(path = "crises/crises.html")]
struct CrisesTemplate {
    layout: Layout,
    crises: Vec<ListedCrisis>,
    is_member: bool,
    /// Empty on the first page.
    first_address: &'static str,
    /// Empty on the last page.
    next_address: String,
}

/// A crisis in words.
struct ListedCrisis {
    slug: String,
    name: String,
    period: String,
    /// None for visitors, who cannot read them.
    places: Option<String>,
    explore_address: String,
}

impl ListedCrisis {
    fn new(crisis: CrisisData) -> Self {
        Self {
            period: describe_period(crisis.from, crisis.to),
            places: crisis.places.as_deref().map(describe_places),
            explore_address: explore_address(&crisis.slug),
            slug: crisis.slug,
            name: crisis.name,
        }
    }
}

/// The first and the last day, such as "1 March 2020 to 19 July 2021".
fn describe_period(from: NaiveDate, to: Option<NaiveDate>) -> String {
    match to {
        Some(to) if to == from => format_date(from),
        Some(to) => format!("{} to {}", format_date(from), format_date(to)),
        None => format!("Since {}, and continuing", format_date(from)),
    }
}

fn describe_places(places: &[CrisisPlaceName]) -> String {
    if places.is_empty() {
        return "National: all places".into();
    }
    let names: Vec<&str> = places.iter().map(|place| place.name.as_str()).collect();
    names.join(", ")
}

/// The address that explores the initiatives at work during a crisis.
fn explore_address(slug: &str) -> String {
    let among = serde_json::json!({ "activeDuring": { "crisis": slug } });
    format!("/explore?among={}", encode_parameter(&among.to_string()))
}

async fn show_crises(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(given): Query<CrisesParameters>,
) -> Result<Page<CrisesTemplate>, PageError> {
    let variables = CrisesVariables {
        after: given.after.as_deref(),
        is_member: visitor.session.is_some(),
    };
    let found: CrisesOperation = service.execute(&visitor, &variables).await?;
    let list = found.crises;
    let next_address = match list.page_info.end_cursor {
        Some(cursor) if list.page_info.has_next_page => {
            format!("/crises?after={}", encode_parameter(&cursor))
        }
        _ => String::new(),
    };
    let layout = visitor
        .layout("Crises", "/crises")
        .with_query(PageService::graphiql_address(
            CrisesOperation::DOCUMENT,
            &variables,
        ));
    Ok(Page::new(CrisesTemplate {
        layout,
        crises: list.nodes.into_iter().map(ListedCrisis::new).collect(),
        is_member: variables.is_member,
        first_address: if given.after.is_some() { "/crises" } else { "" },
        next_address,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn periods_are_in_british_dates() {
        let from = day("2020-03-01");
        assert_eq!(
            describe_period(from, Some(day("2021-07-19"))),
            "1 March 2020 to 19 July 2021"
        );
        assert_eq!(describe_period(from, Some(from)), "1 March 2020");
        assert_eq!(describe_period(from, None), "Since 1 March 2020, and continuing");
    }

    #[test]
    fn a_crisis_is_explored_by_its_filter() {
        assert_eq!(
            explore_address("a-storm"),
            "/explore?among=%7B%22activeDuring%22%3A%7B%22crisis%22%3A%22a-storm%22%7D%7D"
        );
    }
}
