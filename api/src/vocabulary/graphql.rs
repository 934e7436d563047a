//! The vocabularies and the glossary over GraphQL.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use sea_orm::{
    EntityTrait, QueryFilter,
    sea_query::{ExprTrait as _, LikeExpr},
};
use uuid::Uuid;
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, DeliveryTimeline, Dimension,
    EntryPoint, Labelled, MissingReason, OrganisationKind, Perspective, PlaceKind, ReportingBasis,
    ReportingFrequency, Restriction, Role, SourceKind, Visibility, term, to_heading,
};

use crate::database::escape_like;
use crate::graphql::{connection::NodeConnection, list::load_connection, loader::RowLoaderKey};
use crate::id::NodeKind;
use crate::paging::PageArguments;
use crate::reference_data::graphql::load_version;
use wayin_records::normalisation::fold_name;

/// A code of a vocabulary.
#[derive(Clone, Debug, SimpleObject)]
pub struct VocabularyEntry {
    /// The code, as used in queries and records.
    code: &'static str,
    /// The label in plain words.
    label: String,
    /// The definition in plain words.
    definition: &'static str,
}

/// The vocabularies of the evidence base: closed lists of codes, each with a label and a definition.
pub struct Vocabulary;

macro_rules! vocabulary {
    ($($(#[doc = $about:literal])+ $field:ident: $name:ident,)+) => {
        /// The vocabularies of the evidence base: closed lists of codes, each with a label and a
        /// definition.
        #[Object]
        impl Vocabulary {
            $(
                $(#[doc = $about])+
                async fn $field(&self) -> Vec<VocabularyEntry> {
                    $name::ALL
                        .iter()
                        .map(|code| VocabularyEntry {
                            code: code.code(),
                            label: to_heading(code.label()),
                            definition: code.definition(),
                        })
                        .collect()
                }
            )+
        }
    };
}

vocabulary! {
    /// The entry points: ways to start changing a system.
    entry_points: EntryPoint,
    /// The perspectives: whose view something is.
    perspectives: Perspective,
    /// The challenges for initiatives that start from collaboration alone.
    challenges: Challenge,
    /// Whether the step that a challenge asks for was taken.
    steps: ChallengeStep,
    /// The reasons why a step was rushed or skipped.
    reasons: ChallengeReason,
    /// The conditions for change, which decide whether adaptive, relational work can last.
    conditions: Condition,
    /// How far a condition for change was altered.
    changes: ChangeExtent,
    /// Whether money can be used for any purpose.
    restrictions: Restriction,
    /// How often funders require a report.
    reporting_frequencies: ReportingFrequency,
    /// What funders require reports on.
    reporting_bases: ReportingBasis,
    /// Whether a delivery timeline can change.
    delivery_timelines: DeliveryTimeline,
    /// The reasons why an answer is missing.
    missing: MissingReason,
    /// The kinds of place.
    place_kinds: PlaceKind,
    /// The kinds of organisation.
    organisation_kinds: OrganisationKind,
    /// The kinds of source.
    source_kinds: SourceKind,
    /// The levels of visibility: who can read a record.
    visibilities: Visibility,
    /// The roles of members.
    roles: Role,
    /// The dimensions: characteristics to group initiatives by.
    dimensions: Dimension,
}

/// A term of the field, explained in plain language.
#[derive(Clone, Debug)]
pub struct Term(pub term::Model);

/// A term of the field, explained in plain language.
#[Object]
impl Term {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Term.encode_id(self.0.id).into()
    }

    /// The version number: 1 at first, one more with every save. Only stewards can read it.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        load_version(ctx, self.0.id).await
    }

    /// The short name, used in URLs.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The word or phrase.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The definition in plain words.
    async fn definition(&self) -> &str {
        &self.0.definition
    }

    /// Other words with the same meaning.
    async fn synonyms(&self) -> Vec<String> {
        serde_json::from_value(self.0.synonyms.clone()).unwrap_or_default()
    }

    /// Advice on using the word, for example that it excludes some people. Null if there is none.
    async fn usage_note(&self) -> Option<&str> {
        self.0.usage_note.as_deref()
    }

    /// The vocabulary code that the term explains. Null if there is none.
    async fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TermById(pub Uuid);

impl RowLoaderKey for TermById {
    type Table = term::Entity;
    const ID: term::Column = term::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

#[derive(Default)]
pub struct VocabularyQuery;

#[Object]
impl VocabularyQuery {
    /// The codes for entry points, challenges, steps, reasons and other choices, each with a label and a
    /// definition. Needs no token.
    async fn vocabulary(&self) -> Vocabulary {
        Vocabulary
    }

    /// The glossary of the field in plain language, in alphabetical order. Needs no token.
    async fn terms(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only terms whose name or synonyms contain this text.")] search: Option<String>,
    ) -> Result<NodeConnection<Term>> {
        let mut select = term::Entity::find();
        if let Some(search) = search.filter(|search| !search.is_empty()) {
            let pattern = LikeExpr::new(format!("%{}%", escape_like(&fold_name(&search)))).escape('\\');
            select = select.filter(
                sea_orm::sea_query::Expr::col((term::Entity, term::Column::NameFolded)).like(pattern),
            );
        }
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, select, (), page, Term).await
    }
}
