//! The glossary, the vocabulary and how to read the figures.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::document::Page;
use super::error::PageError;
use super::layout::Layout;
use super::operation::{OperationCheck, PageOperation, encode_parameter};
use super::service::PageService;
use super::visitor::Visitor;

pub const OPERATIONS: &[OperationCheck] = &[OperationCheck::of::<WordsOperation>()];

pub fn router() -> Router<PageService> {
    Router::new().route("/words", get(show_words))
}

#[derive(Debug, Deserialize, Serialize)]
pub struct WordsOperation {
    terms: TermList,
    vocabulary: VocabularyData,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct TermList {
    page_info: TermListPage,
    nodes: Vec<GlossaryTerm>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct TermListPage {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct GlossaryTerm {
    slug: String,
    name: String,
    definition: String,
    synonyms: Vec<String>,
    usage_note: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct VocabularyData {
    entry_points: Vec<Word>,
    perspectives: Vec<Word>,
    challenges: Vec<Word>,
    steps: Vec<Word>,
    reasons: Vec<Word>,
    conditions: Vec<Word>,
    changes: Vec<Word>,
    restrictions: Vec<Word>,
    reporting_frequencies: Vec<Word>,
    reporting_bases: Vec<Word>,
    delivery_timelines: Vec<Word>,
    missing: Vec<Word>,
    place_kinds: Vec<Word>,
    organisation_kinds: Vec<Word>,
    source_kinds: Vec<Word>,
    visibilities: Vec<Word>,
    roles: Vec<Word>,
    dimensions: Vec<Word>,
}

/// A code of a vocabulary.
#[derive(Debug, Deserialize, Serialize)]
struct Word {
    code: String,
    label: String,
    definition: String,
}

impl PageOperation for WordsOperation {
    const DOCUMENT: &'static str = include_str!("terms.graphql");
}

#[derive(Deserialize)]
struct WordsParameters {
    search: Option<String>,
    after: Option<String>,
}

/// The variables of [`WordsOperation`].
#[derive(Serialize)]
struct WordsVariables<'a> {
    search: Option<&'a str>,
    after: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "words/words.html")]
struct WordsTemplate {
    layout: Layout,
    /// What was searched for. Empty if nothing was.
    search: String,
    terms: Vec<GlossaryTerm>,
    /// Only on the first page.
    vocabularies: Vec<VocabularySection>,
    is_first_page: bool,
    /// Empty on the first page.
    first_address: String,
    /// Empty on the last page.
    next_address: String,
}

/// A vocabulary with its heading.
struct VocabularySection {
    id: &'static str,
    heading: &'static str,
    words: Vec<Word>,
}

async fn show_words(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(given): Query<WordsParameters>,
) -> Result<Page<WordsTemplate>, PageError> {
    let search = given.search.as_deref().map(str::trim).unwrap_or_default();
    let variables = WordsVariables {
        search: Some(search).filter(|search| !search.is_empty()),
        after: given.after.as_deref(),
    };
    let found: WordsOperation = service.execute(&visitor, &variables).await?;
    let is_first_page = given.after.is_none();
    let vocabularies = if is_first_page {
        list_sections(found.vocabulary, search)
    } else {
        Vec::new()
    };
    let next_address = match found.terms.page_info.end_cursor {
        Some(cursor) if found.terms.page_info.has_next_page => words_address(search, Some(&cursor)),
        _ => String::new(),
    };
    let layout = visitor
        .layout("Words", "/words")
        .with_query(PageService::graphiql_address(
            WordsOperation::DOCUMENT,
            &variables,
        ));
    Ok(Page::new(WordsTemplate {
        layout,
        terms: found.terms.nodes,
        vocabularies,
        is_first_page,
        first_address: if is_first_page {
            String::new()
        } else {
            words_address(search, None)
        },
        next_address,
        search: search.to_owned(),
    }))
}

fn words_address(search: &str, after: Option<&str>) -> String {
    let given = [
        ("search", Some(search).filter(|search| !search.is_empty())),
        ("after", after),
    ];
    let parameters: Vec<String> = given
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", encode_parameter(value?))))
        .collect();
    if parameters.is_empty() {
        "/words".into()
    } else {
        format!("/words?{}", parameters.join("&"))
    }
}

/// The vocabularies that have words with a text in their label or definition. All of them if the text is empty.
fn list_sections(vocabulary: VocabularyData, search: &str) -> Vec<VocabularySection> {
    let wanted = search.to_lowercase();
    let section = |id, heading, words: Vec<Word>| VocabularySection {
        id,
        heading,
        words: words
            .into_iter()
            .filter(|word| {
                let text = format!("{} {}", word.label, word.definition);
                text.to_lowercase().contains(&wanted)
            })
            .collect(),
    };
    let sections = [
        section(
            "entry-points",
            "Ways in: how a change begins",
            vocabulary.entry_points,
        ),
        section(
            "perspectives",
            "Perspectives: whose view it is",
            vocabulary.perspectives,
        ),
        section("challenges", "Challenges", vocabulary.challenges),
        section(
            "steps",
            "What happened to the step of a challenge",
            vocabulary.steps,
        ),
        section("reasons", "Why a step was rushed or skipped", vocabulary.reasons),
        section("conditions", "Conditions for change", vocabulary.conditions),
        section("changes", "How far a condition changed", vocabulary.changes),
        section(
            "restrictions",
            "What money may be used for",
            vocabulary.restrictions,
        ),
        section(
            "reporting-frequencies",
            "How often a report is due",
            vocabulary.reporting_frequencies,
        ),
        section(
            "reporting-bases",
            "What a report is about",
            vocabulary.reporting_bases,
        ),
        section(
            "delivery-timelines",
            "Delivery timelines",
            vocabulary.delivery_timelines,
        ),
        section("missing", "Why an answer is missing", vocabulary.missing),
        section("place-kinds", "Kinds of place", vocabulary.place_kinds),
        section(
            "organisation-kinds",
            "Kinds of organisation",
            vocabulary.organisation_kinds,
        ),
        section("source-kinds", "Kinds of source", vocabulary.source_kinds),
        section("visibilities", "Who can read a record", vocabulary.visibilities),
        section("roles", "Roles of members", vocabulary.roles),
        section(
            "dimensions",
            "What initiatives can be grouped by",
            vocabulary.dimensions,
        ),
    ];
    sections
        .into_iter()
        .filter(|section| !section.words.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_the_search() {
        assert_eq!(words_address("", None), "/words");
        assert_eq!(words_address("a b", None), "/words?search=a%20b");
        assert_eq!(words_address("a&b", Some("x=")), "/words?search=a%26b&after=x%3D");
    }
}
