//! Taking a text out of everything that the base keeps, where it should never have come
//! in: records, their revisions, submissions, imports, what stewards keep and the audit trail. A marker is left in
//! its place; a file that holds it goes. What is kept of repeated mutations holds no text.

pub mod files;
pub mod graphql;

use std::collections::BTreeSet;

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, ExprTrait, Func},
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{
    ChangeKind, ChangeSubject, audit_event, challenge_faced, claim, crisis, entry_point_taken,
    former_organisation, funding_term, initiative, kept_revision, meeting, organisation, place, reflection,
    revision, source, submission, term,
};

use crate::change::{self, Act, Entry};
use crate::condition::fold;
use crate::error::Result;
use crate::initiative::validate::{Finding, FindingCode, can_be_held};
use crate::vocabulary;

/// What stands where a text was taken out.
pub const MARKER: &str = "[redacted]";
/// The fewest characters of a text that is taken out: less would be found where it is not meant.
const SHORTEST: usize = 4;
/// The most.
const LONGEST: usize = 2_000;

/// From how much a text was taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redacted {
    /// Published records, and records that were withdrawn.
    pub initiatives: usize,
    /// Versions of them.
    pub revisions: usize,
    /// Submissions.
    pub submissions: usize,
    /// Events of the audit trail.
    pub events: usize,
    /// Versions of what stewards keep.
    pub kept: usize,
    /// Imports: their files, and what is told of their rows.
    pub imports: usize,
}

/// Whether a text can be taken out.
pub fn check(text: &str) -> Option<Finding> {
    let length = text.chars().count();
    let (code, reason) = if files::letters(text) < SHORTEST {
        let reason = format!(
            "with less than {SHORTEST} characters, blanks and quotation marks aside, too much would be taken out"
        );
        (FindingCode::OutOfRange, reason)
    } else if length > LONGEST {
        let reason = format!("has {length} characters; at most {LONGEST} can be taken out at once");
        (FindingCode::TooLong, reason)
    } else if !can_be_held(text) {
        (
            FindingCode::Malformed,
            "holds the character NUL (U+0000), which no base keeps".into(),
        )
    } else if MARKER.contains(text) {
        (
            FindingCode::OutOfRange,
            format!("is part of the marker, {MARKER}"),
        )
    } else {
        return None;
    };
    Some(Finding::new(code, "text", reason))
}

/// Takes a text out of everything, as it is written, and says in the log which records were altered. The files
/// that were [looked through](files::look) and hold it go.
pub async fn redact(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    text: &str,
    looked: &files::Looked,
) -> Result<Redacted> {
    let mut altered: BTreeSet<Uuid> = BTreeSet::new();
    let mut redacted = Redacted::default();
    for row in revision::Entity::find()
        .filter(holds_json(revision::Column::Document, text))
        .all(db)
        .await?
    {
        let Some(document) = without(&row.document, text) else {
            continue;
        };
        altered.insert(row.initiative_id);
        redacted.revisions += 1;
        let mut row = row.into_active_model();
        row.document = Set(document);
        row.update(db).await?;
    }
    for row in submission::Entity::find()
        .filter(
            holds_json(submission::Column::Document, text).or(holds(submission::Column::ReviewNote, text)),
        )
        .all(db)
        .await?
    {
        let document = without(&row.document, text);
        let note = row.review_note.as_ref().map(|note| note.replace(text, MARKER));
        if document.is_none() && note == row.review_note {
            continue;
        }
        redacted.submissions += 1;
        let mut row = row.into_active_model();
        document
            .into_iter()
            .for_each(|document| row.document = Set(document));
        row.review_note = Set(note);
        if let Some(reference) = row.external_ref.take().flatten() {
            row.external_ref = Set(Some(reference.replace(text, MARKER)));
        }
        row.update(db).await?;
    }
    for row in audit_event::Entity::find()
        .filter(holds_json(audit_event::Column::Detail, text))
        .all(db)
        .await?
    {
        if let Some(detail) = without(&row.detail, text) {
            redacted.events += 1;
            let mut row = row.into_active_model();
            row.detail = Set(detail);
            row.update(db).await?;
        }
    }
    altered.extend(of_initiatives(db, act, text).await?);
    of_parts(db, text).await?;
    redacted.kept = of_kept(db, act, text).await?;
    redacted.imports = files::redact(db, act, text, looked).await?;
    redacted.initiatives = altered.len();
    let entries: Vec<Entry> = altered
        .into_iter()
        .map(|id| Entry::new(ChangeKind::Altered, ChangeSubject::Initiative, id))
        .collect();
    let standing: BTreeSet<Uuid> = initiative::Entity::find()
        .filter(initiative::Column::Id.is_in(entries.iter().map(|entry| entry.id)))
        .filter(initiative::Column::WithdrawnAt.is_null())
        .all(db)
        .await?
        .into_iter()
        .map(|row| row.id)
        .collect();
    let entries: Vec<Entry> = entries
        .into_iter()
        .filter(|entry| standing.contains(&entry.id))
        .collect();
    change::append(db, act, &entries).await?;
    Ok(redacted)
}

async fn of_initiatives(db: &impl ConnectionTrait, act: &Act<'_>, text: &str) -> Result<Vec<Uuid>> {
    use initiative::Column;
    let any = [
        Column::ExternalRef,
        Column::Title,
        Column::Summary,
        Column::SharingBasis,
        Column::SharingConfirmedBy,
    ]
    .into_iter()
    .map(|column| holds(column, text))
    .reduce(ExprTrait::or);
    let mut altered = Vec::new();
    let without = |kept: &Option<String>| kept.as_ref().map(|kept| kept.replace(text, MARKER));
    for row in initiative::Entity::find()
        .filter(any.unwrap_or_else(|| Expr::val(false)))
        .all(db)
        .await?
    {
        altered.push(row.id);
        let title = row.title.replace(text, MARKER);
        let row = initiative::Model {
            external_ref: reference_without(db, &row, text).await?,
            title_folded: fold(&title),
            title,
            summary: without(&row.summary),
            sharing_basis: without(&row.sharing_basis),
            sharing_confirmed_by: without(&row.sharing_confirmed_by),
            updated_at: act.now(),
            ..row
        };
        row.into_active_model().reset_all().update(db).await?;
    }
    Ok(altered)
}

/// The reference of a record without a text, told apart from the others that its lead organisation gave.
async fn reference_without(
    db: &impl ConnectionTrait,
    row: &initiative::Model,
    text: &str,
) -> Result<Option<String>> {
    let Some(given) = row.external_ref.as_ref().filter(|given| given.contains(text)) else {
        return Ok(row.external_ref.clone());
    };
    let without = given.replace(text, MARKER);
    let mut reference = without.clone();
    for number in 2.. {
        let taken = initiative::Entity::find()
            .filter(initiative::Column::LeadOrganisationId.eq(row.lead_organisation_id))
            .filter(initiative::Column::ExternalRef.eq(&reference))
            .one(db)
            .await?;
        if taken.is_none() {
            break;
        }
        reference = format!("{without} {number}");
    }
    Ok(Some(reference))
}

/// Takes a text out of the texts of the parts of records. What they belong to is known by the revisions.
async fn of_parts(db: &impl ConnectionTrait, text: &str) -> Result<()> {
    macro_rules! without {
        ($($entity:ident :: $column:ident),+) => {$({
            let column = $entity::Column::$column;
            $entity::Entity::update_many()
                .col_expr(column, replaced(column, text, MARKER))
                .filter(holds(column, text))
                .exec(db)
                .await?;
        })+};
    }
    without!(
        entry_point_taken::Motivation,
        challenge_faced::Note,
        funding_term::Programme,
        source::Title,
        source::Url,
        revision::Reason
    );
    Ok(())
}

/// Takes a text out of what stewards keep, and out of every version of it. Answers out of how many versions.
async fn of_kept(db: &impl ConnectionTrait, act: &Act<'_>, text: &str) -> Result<usize> {
    let mut versions = 0;
    for row in kept_revision::Entity::find()
        .filter(
            holds_json(kept_revision::Column::Document, text).or(holds(kept_revision::Column::Reason, text)),
        )
        .all(db)
        .await?
    {
        let document = without(&row.document, text);
        let reason = row.reason.replace(text, MARKER);
        if document.is_none() && reason == row.reason {
            continue;
        }
        versions += 1;
        let mut row = row.into_active_model();
        document
            .into_iter()
            .for_each(|document| row.document = Set(document));
        row.reason = Set(reason);
        row.update(db).await?;
    }
    let entries = [
        of_organisations(db, act, text).await?,
        of_places(db, act, text).await?,
        of_crises(db, act, text).await?,
    ];
    change::append(db, act, &entries.concat()).await?;
    of_terms(db, act, text).await?;
    macro_rules! without {
        ($($entity:ident :: $column:ident),+) => {$({
            let column = $entity::Column::$column;
            $entity::Entity::update_many()
                .col_expr(column, replaced(column, text, MARKER))
                .col_expr($entity::Column::UpdatedAt, Expr::value(act.now()))
                .filter(holds(column, text))
                .exec(db)
                .await?;
        })+};
    }
    without!(
        meeting::Title,
        meeting::Theme,
        meeting::RegistrationUrl,
        reflection::Text,
        claim::Statement
    );
    Ok(versions)
}

/// Takes a text out of the names of organisations, those in use and those before.
async fn of_organisations(db: &impl ConnectionTrait, act: &Act<'_>, text: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for row in organisation::Entity::find()
        .filter(holds(organisation::Column::Name, text))
        .all(db)
        .await?
    {
        let name = row.name.replace(text, MARKER);
        entries.push(Entry::new(
            ChangeKind::Altered,
            ChangeSubject::Organisation,
            row.id,
        ));
        let row = organisation::Model {
            name_folded: fold(&name),
            name,
            updated_at: act.now(),
            ..row
        };
        row.into_active_model().reset_all().update(db).await?;
    }
    for row in former_organisation::Entity::find()
        .filter(holds(former_organisation::Column::Name, text))
        .all(db)
        .await?
    {
        let name = row.name.replace(text, MARKER);
        let row = former_organisation::Model {
            name_folded: fold(&name),
            name,
            updated_at: act.now(),
            ..row
        };
        row.into_active_model().reset_all().update(db).await?;
    }
    Ok(entries)
}

async fn of_places(db: &impl ConnectionTrait, act: &Act<'_>, text: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for row in place::Entity::find()
        .filter(holds(place::Column::Name, text))
        .all(db)
        .await?
    {
        let name = row.name.replace(text, MARKER);
        entries.push(Entry::new(ChangeKind::Altered, ChangeSubject::Place, row.id));
        let row = place::Model {
            name_folded: fold(&name),
            name,
            updated_at: act.now(),
            ..row
        };
        row.into_active_model().reset_all().update(db).await?;
    }
    Ok(entries)
}

async fn of_crises(db: &impl ConnectionTrait, act: &Act<'_>, text: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for row in crisis::Entity::find()
        .filter(holds(crisis::Column::Name, text))
        .all(db)
        .await?
    {
        entries.push(Entry::new(ChangeKind::Altered, ChangeSubject::Crisis, row.id));
        let row = crisis::Model {
            name: row.name.replace(text, MARKER),
            updated_at: act.now(),
            ..row
        };
        row.into_active_model().reset_all().update(db).await?;
    }
    Ok(entries)
}

/// Takes a text out of the words of the field. They are few, so that all are looked at.
async fn of_terms(db: &impl ConnectionTrait, act: &Act<'_>, text: &str) -> Result<()> {
    for before in term::Entity::find().all(db).await? {
        let replaced = |kept: &str| kept.replace(text, MARKER);
        let other_words = without(&before.other_words, text);
        let row = term::Model {
            word: replaced(&before.word),
            definition: replaced(&before.definition),
            caution: before.caution.as_deref().map(replaced),
            other_words: other_words.unwrap_or_else(|| before.other_words.clone()),
            ..before.clone()
        };
        if row != before {
            let word_folded = vocabulary::term::folded(&row.word, &row.other_words);
            let row = term::Model {
                word_folded,
                updated_at: act.now(),
                ..row
            };
            row.into_active_model().reset_all().update(db).await?;
        }
    }
    Ok(())
}

fn replaced(column: impl ColumnTrait, text: &str, by: &str) -> Expr {
    Func::cust("REPLACE")
        .arg(Expr::col(column.as_column_ref()))
        .arg(text)
        .arg(by)
        .into()
}

fn holds(column: impl ColumnTrait, text: &str) -> Expr {
    replaced(column, text, "").ne(Expr::col(column.as_column_ref()))
}

/// Whether a document, written as JSON, holds a text, in a field's name or value.
fn holds_json(column: impl ColumnTrait, text: &str) -> Expr {
    let written = Value::from(text).to_string();
    let written = written.trim_start_matches('"').trim_end_matches('"').to_owned();
    let document = || Expr::col(column.as_column_ref()).cast_as("text");
    let without: Expr = Func::cust("REPLACE").arg(document()).arg(written).arg("").into();
    without.ne(document())
}

/// A document without a text in any of its values; none where it is in none.
fn without(document: &Value, text: &str) -> Option<Value> {
    fn take_out(value: &mut Value, text: &str) {
        match value {
            Value::String(kept) => *kept = kept.replace(text, MARKER),
            Value::Array(values) => values.iter_mut().for_each(|value| take_out(value, text)),
            Value::Object(fields) => fields.values_mut().for_each(|value| take_out(value, text)),
            _ => {}
        }
    }
    let mut taken_out = document.clone();
    take_out(&mut taken_out, text);
    (taken_out != *document).then_some(taken_out)
}
