//! The vocabulary and the words of the field over GraphQL.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use sea_orm::{
    EntityTrait, QueryFilter,
    sea_query::{ExprTrait as _, LikeExpr},
};
use uuid::Uuid;
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, DeliveryTimeline, Dimension,
    EntryPoint, Labelled, MissingReason, OrganisationKind, Perspective, PlaceKind, ReportingBasis,
    ReportingFrequency, Restriction, Role, SourceKind, Visibility, heading, term,
};

use crate::database::escape_like;
use crate::graphql::{connection::Connection, list::list, loader::RowKey};
use crate::id::NodeKind;
use crate::keeping::graphql::version;
use crate::paging::PageArguments;
use wayin_records::spelling::fold;

/// A code of a closed vocabulary, in plain words.
#[derive(Clone, Debug, SimpleObject)]
pub struct VocabularyEntry {
    /// The code, as queries and records use it.
    code: &'static str,
    /// The words for it.
    label: String,
    /// What it means, plainly.
    definition: &'static str,
}

/// The closed vocabularies of the base, each code with a label and a plain definition.
pub struct Vocabulary;

macro_rules! vocabulary {
    ($($(#[doc = $about:literal])+ $field:ident: $name:ident,)+) => {
        /// The closed vocabularies of the base, each code with a label and a plain definition.
        #[Object]
        impl Vocabulary {
            $(
                $(#[doc = $about])+
                async fn $field(&self) -> Vec<VocabularyEntry> {
                    $name::ALL
                        .iter()
                        .map(|code| VocabularyEntry {
                            code: code.code(),
                            label: heading(code.label()),
                            definition: code.definition(),
                        })
                        .collect()
                }
            )+
        }
    };
}

vocabulary! {
    /// Where people start changing a system from.
    entry_points: EntryPoint,
    /// Whose view something is.
    perspectives: Perspective,
    /// What meets those who start from collaboration alone.
    challenges: Challenge,
    /// What became of a challenge's step.
    steps: ChallengeStep,
    /// Why a step was hurried or left out.
    reasons: ChallengeReason,
    /// The conditions that decide whether adaptive, relational work can last.
    conditions: Condition,
    /// What became of such a condition.
    changes: ChangeExtent,
    /// Whether money may be used for anything.
    restrictions: Restriction,
    /// How often funders ask for a report.
    reporting_frequencies: ReportingFrequency,
    /// What is reported on.
    reporting_bases: ReportingBasis,
    /// Whether a plan may move.
    delivery_timelines: DeliveryTimeline,
    /// Why an answer is missing.
    missing: MissingReason,
    /// The sorts of place.
    place_kinds: PlaceKind,
    /// The sorts of organisation.
    organisation_kinds: OrganisationKind,
    /// The sorts of source.
    source_kinds: SourceKind,
    /// Who may read a record.
    visibilities: Visibility,
    /// What members may do.
    roles: Role,
    /// What initiatives can be told apart by.
    dimensions: Dimension,
}

/// A word of the field, in plain language.
#[derive(Clone, Debug)]
pub struct Term(pub term::Model);

/// A word of the field, in plain language.
#[Object]
impl Term {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::Term.id(self.0.id).into()
    }

    /// Counts the times that it was saved. For stewards.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        version(ctx, self.0.id).await
    }

    /// The short name in addresses.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The word or phrase.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it means, plainly.
    async fn definition(&self) -> &str {
        &self.0.definition
    }

    /// Other words with the same meaning.
    async fn synonyms(&self) -> Vec<String> {
        serde_json::from_value(self.0.synonyms.clone()).unwrap_or_default()
    }

    /// Advice on using the word, such as that it excludes some people; null if there is none.
    async fn usage_note(&self) -> Option<&str> {
        self.0.usage_note.as_deref()
    }

    /// The vocabulary code that it explains; null where it explains none.
    async fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }
}

/// Loads a term by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TermById(pub Uuid);

impl RowKey for TermById {
    type Table = term::Entity;
    const ID: term::Column = term::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

/// The words of the field.
#[derive(Default)]
pub struct VocabularyQuery;

#[Object]
impl VocabularyQuery {
    /// The entry points, challenges, steps, reasons and other codes, each with a label and a
    /// plain definition. Needs no token.
    async fn vocabulary(&self) -> Vocabulary {
        Vocabulary
    }

    /// Words of the field in plain language, in the order of the alphabet. Needs no token.
    async fn terms(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which the word, or another word for it, contains this.")]
        search: Option<String>,
    ) -> Result<Connection<Term>> {
        let mut select = term::Entity::find();
        if let Some(search) = search.filter(|search| !search.is_empty()) {
            let pattern = LikeExpr::new(format!("%{}%", escape_like(&fold(&search)))).escape('\\');
            select = select.filter(
                sea_orm::sea_query::Expr::col((term::Entity, term::Column::NameFolded)).like(pattern),
            );
        }
        let page = PageArguments::new(first, after, last, before);
        list(ctx, select, (), page, Term).await
    }
}
