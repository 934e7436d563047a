//! Terms of the glossary.

use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect};
use serde_json::{Value, json};
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, DeliveryTimeline, EntryPoint,
    OrganisationKind, Perspective, PlaceKind, ReferenceKind, ReportingBasis, ReportingFrequency, Restriction,
    Role, SourceKind, Visibility, term,
};

use crate::change_log::ActionContext;
use crate::error::Result;
use crate::idempotency::Rejection;
use crate::paging::{Paged, SortOrder};
use crate::reference_data::{self, CurrentDocument, SaveTarget, SavedChange, document};
use wayin_records::normalisation;
use wayin_records::normalisation::fold_name;
use wayin_records::personal_data;
use wayin_records::problem::{ProblemCode, Problems};

const MAX_SYNONYMS: usize = 20;

#[derive(Clone, Debug)]
pub struct TermDraft {
    pub target: SaveTarget,
    pub slug: String,
    pub name: String,
    pub definition: String,
    pub synonyms: Vec<String>,
    /// What to consider when you use the term.
    pub usage_note: Option<String>,
    /// The vocabulary code that it explains.
    pub code: Option<String>,
}

/// Adds or changes a term.
pub async fn save_term(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    draft: TermDraft,
) -> Result<Result<term::Model, Rejection>> {
    let before = match draft.target.id {
        Some(id) => term::Entity::find_by_id(id).lock_exclusive().one(db).await?,
        None => None,
    };
    let synonyms: Vec<String> = draft
        .synonyms
        .iter()
        .map(|word| normalisation::normalise_name(word))
        .collect();
    let row = term::Model {
        id: before
            .as_ref()
            .map_or_else(|| act.clock.new_id(), |before| before.id),
        slug: draft.slug.trim().to_owned(),
        name: normalisation::normalise_name(&draft.name),
        name_folded: fold_term(&draft.name, &json!(synonyms)),
        definition: normalisation::normalise_prose(&draft.definition).into_owned(),
        synonyms: json!(synonyms),
        usage_note: reference_data::trim_text(draft.usage_note),
        code: reference_data::trim_text(draft.code),
        created_at: before
            .as_ref()
            .map_or_else(|| act.now(), |before| before.created_at),
        updated_at: act.now(),
    };
    let mut found = validate_term(&row, &synonyms);
    let slug = (term::Column::Slug, row.slug.as_str());
    reference_data::check_unique::<term::Entity>(
        db,
        &mut found,
        "slug",
        slug,
        (term::Column::Id, draft.target.id),
    )
    .await?;
    let current = before.as_ref().map(document::term_document);
    if let Some(refusal) =
        reference_data::find_save_error(db, draft.target, current.as_ref(), "term", found).await?
    {
        return Ok(Err(refusal));
    }
    reference_data::upsert_row(db, before.is_some(), row.clone()).await?;
    let save = SavedChange {
        subject: ReferenceKind::Term,
        id: row.id,
        before: CurrentDocument::from_parts(current, before.map(|before| before.updated_at)),
        after: document::term_document(&row),
    };
    reference_data::write_revisions(db, act, vec![save]).await?;
    Ok(Ok(row))
}

/// Folds a term and its synonyms, for searching.
pub fn fold_term(word: &str, synonyms: &Value) -> String {
    let synonyms = synonyms.as_array().into_iter().flatten();
    let words: Vec<String> = std::iter::once(word)
        .chain(synonyms.filter_map(Value::as_str))
        .map(fold_name)
        .collect();
    words.join("\n")
}

fn validate_term(row: &term::Model, synonyms: &[String]) -> Problems {
    let mut found = Problems::default();
    reference_data::check_slug(&mut found, &row.slug);
    reference_data::check_text(&mut found, "name", &row.name, 100);
    reference_data::check_text(&mut found, "definition", &row.definition, 2_000);
    if synonyms.len() > MAX_SYNONYMS {
        let reason = format!("there are {}; the maximum is {MAX_SYNONYMS}", synonyms.len());
        found.add_error(ProblemCode::TooLong, "synonyms", reason);
    }
    for (at, word) in synonyms.iter().enumerate() {
        reference_data::check_text(&mut found, &format!("synonyms/{at}"), word, 100);
        if synonyms[..at].contains(word) {
            found.add_error(ProblemCode::Duplicate, format!("synonyms/{at}"), "is named twice");
        }
    }
    found.check_length("usageNote", row.usage_note.as_deref(), 2_000);
    let caution = row.usage_note.as_deref().unwrap_or_default();
    found
        .errors
        .extend(personal_data::check_text("usageNote", caution));
    if let Some(code) = &row.code
        && !is_vocabulary_code(code)
    {
        let reason = format!("{code} is not a code of a vocabulary");
        found.add_error(ProblemCode::NotFound, "code", reason);
    }
    found
}

/// Whether a vocabulary has this code.
fn is_vocabulary_code(text: &str) -> bool {
    macro_rules! any {
        ($($vocabulary:ident),+) => {
            $($vocabulary::ALL.iter().any(|code| code.code() == text))||+
        };
    }
    any!(
        EntryPoint,
        Perspective,
        Challenge,
        ChallengeStep,
        ChallengeReason,
        Condition,
        ChangeExtent,
        Restriction,
        ReportingFrequency,
        ReportingBasis,
        DeliveryTimeline,
        PlaceKind,
        OrganisationKind,
        SourceKind,
        Visibility,
        Role
    )
}

impl Paged for term::Entity {
    type Order = ();
    const ID: Self::Column = term::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "word",
            column: term::Column::NameFolded,
            descending: false,
        }
    }
}
