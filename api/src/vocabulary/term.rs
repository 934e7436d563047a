//! Words of the field, in plain language.

use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect};
use serde_json::{Value, json};
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, DeliveryTimeline, EntryPoint,
    KeptSubject, OrganisationKind, Perspective, PlaceKind, ReportingBasis, ReportingFrequency, Restriction,
    Role, SourceKind, Visibility, term,
};

use crate::change::Act;
use crate::error::Result;
use crate::keeping::{self, Save, Standing, Target, document};
use crate::mutation::Refusal;
use crate::paging::{Paged, Sort};
use wayin_records::finding::{FindingCode, Findings};
use wayin_records::personal_data;
use wayin_records::spelling;
use wayin_records::spelling::fold;

/// The most other words for one word.
const MOST_OTHER_WORDS: usize = 20;

/// A term as a steward writes it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The term that is there, and the version that it was written from.
    pub target: Target,
    /// The short name in addresses.
    pub slug: String,
    /// The word.
    pub word: String,
    /// What it means, plainly.
    pub definition: String,
    /// Other words that people use for it.
    pub synonyms: Vec<String>,
    /// What to mind when using it.
    pub caution: Option<String>,
    /// The vocabulary code that it explains.
    pub code: Option<String>,
}

/// Adds a term, or writes one that is there anew.
pub async fn save(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    draft: Draft,
) -> Result<Result<term::Model, Refusal>> {
    let before = match draft.target.id {
        Some(id) => term::Entity::find_by_id(id).lock_exclusive().one(db).await?,
        None => None,
    };
    let synonyms: Vec<String> = draft.synonyms.iter().map(|word| spelling::name(word)).collect();
    let row = term::Model {
        id: before
            .as_ref()
            .map_or_else(|| act.clock.new_id(), |before| before.id),
        slug: draft.slug.trim().to_owned(),
        name: spelling::name(&draft.word),
        name_folded: folded(&draft.word, &json!(synonyms)),
        definition: spelling::prose(&draft.definition).into_owned(),
        synonyms: json!(synonyms),
        usage_note: keeping::tidy(draft.caution),
        code: keeping::tidy(draft.code),
        created_at: before
            .as_ref()
            .map_or_else(|| act.now(), |before| before.created_at),
        updated_at: act.now(),
    };
    let mut found = check(&row, &synonyms);
    let slug = (term::Column::Slug, row.slug.as_str());
    keeping::check_unique::<term::Entity>(db, &mut found, "slug", slug, (term::Column::Id, draft.target.id))
        .await?;
    let standing = before.as_ref().map(document::of_term);
    if let Some(refusal) = keeping::refusal(db, draft.target, standing.as_ref(), "term", found).await? {
        return Ok(Err(refusal));
    }
    keeping::store(db, before.is_some(), row.clone()).await?;
    let save = Save {
        subject: KeptSubject::Term,
        id: row.id,
        before: Standing::of(standing, before.map(|before| before.updated_at)),
        after: document::of_term(&row),
    };
    keeping::write(db, act, vec![save]).await?;
    Ok(Ok(row))
}

/// A word and its other words in lower case, for searching.
pub fn folded(word: &str, synonyms: &Value) -> String {
    let synonyms = synonyms.as_array().into_iter().flatten();
    let words: Vec<String> = std::iter::once(word)
        .chain(synonyms.filter_map(Value::as_str))
        .map(fold)
        .collect();
    words.join("\n")
}

fn check(row: &term::Model, synonyms: &[String]) -> Findings {
    let mut found = Findings::default();
    keeping::check_slug(&mut found, &row.slug);
    keeping::check_text(&mut found, "name", &row.name, 100);
    keeping::check_text(&mut found, "definition", &row.definition, 2_000);
    if synonyms.len() > MOST_OTHER_WORDS {
        let reason = format!(
            "{} are given; at most {MOST_OTHER_WORDS} are kept",
            synonyms.len()
        );
        found.error(FindingCode::TooLong, "synonyms", reason);
    }
    for (at, word) in synonyms.iter().enumerate() {
        keeping::check_text(&mut found, &format!("synonyms/{at}"), word, 100);
        if synonyms[..at].contains(word) {
            found.error(FindingCode::Duplicate, format!("synonyms/{at}"), "is named twice");
        }
    }
    found.length("usageNote", row.usage_note.as_deref(), 2_000);
    let caution = row.usage_note.as_deref().unwrap_or_default();
    found.errors.extend(personal_data::at("usageNote", caution));
    if let Some(code) = &row.code
        && !is_a_code(code)
    {
        let reason = format!("{code} is no code of the vocabulary");
        found.error(FindingCode::NotFound, "code", reason);
    }
    found
}

/// Whether a vocabulary has this code.
fn is_a_code(text: &str) -> bool {
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

    fn sort((): ()) -> Sort<Self::Column> {
        Sort {
            tag: "word",
            column: term::Column::NameFolded,
            descending: false,
        }
    }
}
