//! Redaction: replaces a text by a marker everywhere: in records, revisions, submissions, imports, reference
//! data and the audit trail. Files that contain the text are deleted. It is also removed from the stored
//! results of mutations.

pub mod files;
pub mod graphql;
mod replace;
mod search;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, ModelTrait as _, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::Expr,
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{
    ChangeKind, ChangeSubject, audit_event, challenge_faced, claim, crisis, entity_revision,
    entry_point_taken, funding_term, grant_detail, idempotency_key, initiative, invitation, issued_token,
    meeting, member, organisation, organisation_alias, place, reflection, revision, saved_question, source,
    submission, term,
};

use self::replace::{IdentityKind, TextReplacement};
pub use self::search::RedactionMatches;
use self::search::{contains_condition, json_contains_condition, replace_text_expression};
use crate::change_log::{self, ActionContext, ChangeEntry};
use crate::error::Result;
use crate::export_link;
use crate::graphql::input;
use crate::id::NodeKind;
use crate::initiative::filter_input::InitiativeFilter;
use crate::instance::DisclosureKeys;
use crate::organisation::merge;
use crate::{database, vocabulary};
use wayin_records::normalisation::{fold_name, is_storable};
use wayin_records::problem::{Problem, ProblemCode};

/// Replaces the redacted text.
pub const REDACTION_MARKER: &str = "[redacted]";
/// Shorter texts would also be found where they are not meant.
const MIN_TEXT_CHARACTERS: usize = 4;
const MAX_TEXT_CHARACTERS: usize = 2_000;
/// The number of rows in one statement. SQLite binds at most 32,766 values, and a row may contain a long
/// document.
const ROWS_PER_STATEMENT: usize = 200;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RedactionCounts {
    /// Published and withdrawn records.
    pub initiatives: usize,
    pub revisions: usize,
    pub submissions: usize,
    pub audit_events: usize,
    /// Versions of reference data.
    pub reference_versions: usize,
    /// Imports whose files or outcomes contained the text.
    pub imports: usize,
}

/// Checks that a text can be redacted.
pub fn validate_text(text: &str) -> Option<Problem> {
    let length = text.chars().count();
    let (code, reason) = if files::count_searched_characters(text) < MIN_TEXT_CHARACTERS {
        let reason = format!(
            "with less than {MIN_TEXT_CHARACTERS} characters, not counting spaces and quotation marks, too much would be removed"
        );
        (ProblemCode::OutOfRange, reason)
    } else if length > MAX_TEXT_CHARACTERS {
        let reason = format!("has {length} characters; the maximum is {MAX_TEXT_CHARACTERS}");
        (ProblemCode::TooLong, reason)
    } else if !is_storable(text) {
        (
            ProblemCode::InvalidFormat,
            "contains the character NUL (U+0000), which cannot be stored".into(),
        )
    } else if REDACTION_MARKER.contains(text) {
        (
            ProblemCode::OutOfRange,
            format!("is part of the marker, {REDACTION_MARKER}"),
        )
    } else {
        return None;
    };
    Some(Problem::new(code, "text", reason))
}

/// Finds what prevents the redaction: running imports whose files contain the text, and active members whose
/// subject contains it.
pub async fn find_obstacles(db: &impl ConnectionTrait, found: &RedactionMatches) -> Result<Vec<Problem>> {
    let mut problems = files::find_running_imports(db, &found.files).await?;
    for ids in chunk_ids(&found.member) {
        let may_act: Vec<Uuid> = member::Entity::find()
            .select_only()
            .column(member::Column::Id)
            .filter(member::Column::Id.is_in(ids))
            .filter(member::Column::RevokedAt.is_null())
            .order_by_asc(member::Column::Id)
            .into_tuple()
            .all(db)
            .await?;
        problems.extend(may_act.into_iter().map(|id| {
            let reason = format!(
                "is in the subject of the member {}, which identifies them; revoke the member first, or remove a longer text",
                NodeKind::Member.encode_id(id)
            );
            Problem::new(ProblemCode::WrongState, "text", reason)
        }));
    }
    Ok(problems)
}

fn chunk_ids(ids: &BTreeSet<Uuid>) -> impl Iterator<Item = Vec<Uuid>> {
    let mut ids = ids.iter().copied();
    std::iter::from_fn(move || {
        let piece: Vec<Uuid> = ids.by_ref().take(ROWS_PER_STATEMENT).collect();
        (!piece.is_empty()).then_some(piece)
    })
}

/// Redacts a text in everything that contains it, deletes files with it, and logs the changed records. Call
/// it in a transaction with [no concurrent writers](database::begin_exclusive_write).
pub async fn redact_text(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    text: &str,
    found: &RedactionMatches,
) -> Result<RedactionCounts> {
    let taking = TextReplacement::load(db, found, text).await?;
    let redaction = Redaction {
        db,
        act,
        found,
        replacement: &taking,
        text,
    };
    let mut altered = redaction.redact_initiatives().await?;
    let revisions = redaction.redact_revisions().await?;
    let mut redacted = RedactionCounts {
        revisions: revisions.len(),
        ..RedactionCounts::default()
    };
    altered.extend(revisions);
    altered.extend(redaction.redact_parts().await?);
    redaction.redact_grant_details().await?;
    redacted.initiatives = altered.len();
    redacted.submissions = redaction.redact_submissions().await?;
    redacted.audit_events = redaction.redact_audit_events().await?;
    redacted.reference_versions = redaction.redact_reference_revisions().await?;
    set_updated_at(db, act, &altered).await?;
    let mut entries = redaction.redact_places().await?;
    entries.extend(redaction.redact_crises().await?);
    let (organisations, renamed) = redaction.redact_organisations().await?;
    entries.extend(organisations);
    redaction.redact_terms_and_reflections().await?;
    redaction.redact_members().await?;
    redaction.redact_saved_questions().await?;
    redacted.imports = files::redact_files(db, act, text, found).await?;
    delete_idempotency_keys(db, text).await?;
    redaction.redact_stored_results().await?;
    // The addresses of links are encoded, so that they cannot be searched. A member can create a link again.
    export_link::delete_all(db).await?;
    if !renamed.is_empty() {
        let keys = DisclosureKeys::load(db).await?;
        for organisation in &renamed {
            altered.extend(merge::update_disclosure_keys(db, act, &keys, organisation).await?);
        }
    }
    entries.extend(published_entries(db, &altered).await?);
    change_log::append_changes(db, act, &entries).await?;
    Ok(redacted)
}

/// Sets the time of the last change of the initiatives that the redaction changed, also of those with only a changed part.
async fn set_updated_at(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    altered: &BTreeSet<Uuid>,
) -> Result<()> {
    for ids in chunk_ids(altered) {
        initiative::Entity::update_many()
            .col_expr(initiative::Column::UpdatedAt, Expr::value(act.now()))
            .filter(initiative::Column::Id.is_in(ids))
            .exec(db)
            .await?;
    }
    Ok(())
}

/// The log entries of the published ones among some records.
async fn published_entries(db: &impl ConnectionTrait, altered: &BTreeSet<Uuid>) -> Result<Vec<ChangeEntry>> {
    let mut entries = Vec::with_capacity(altered.len());
    for ids in chunk_ids(altered) {
        let current: Vec<Uuid> = initiative::Entity::find()
            .select_only()
            .column(initiative::Column::Id)
            .filter(initiative::Column::Id.is_in(ids))
            .filter(initiative::Column::WithdrawnAt.is_null())
            .order_by_asc(initiative::Column::Id)
            .into_tuple()
            .all(db)
            .await?;
        entries.extend(update_entries(ChangeSubject::Initiative, current));
    }
    Ok(entries)
}

fn update_entries(subject: ChangeSubject, altered: Vec<Uuid>) -> impl Iterator<Item = ChangeEntry> {
    let altered = altered.into_iter();
    altered.map(move |id| ChangeEntry::new(ChangeKind::Altered, subject, id))
}

/// Deletes idempotency keys that contain the text.
async fn delete_idempotency_keys(db: &impl ConnectionTrait, text: &str) -> Result<()> {
    idempotency_key::Entity::delete_many()
        .filter(contains_condition(idempotency_key::Column::Key, text))
        .filter(idempotency_key::Column::Answer.is_not_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Applies `take_out` to the rows with these ids, in batches, and updates these columns of the changed rows.
/// Returns a value for each changed row.
async fn alter_rows<E, T>(
    db: &impl ConnectionTrait,
    ids: &BTreeSet<Uuid>,
    id: E::Column,
    columns: &[E::Column],
    touched: Option<(E::Column, DateTime<Utc>)>,
    mut take_out: impl FnMut(&mut E::Model) + Send,
    of: impl Fn(&E::Model) -> T + Send,
) -> Result<Vec<T>>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + PartialEq + Sync,
    E::ActiveModel: Send,
    T: Send,
{
    let mut altered = Vec::new();
    let columns: Vec<E::Column> = columns
        .iter()
        .copied()
        .chain(touched.map(|(column, _)| column))
        .collect();
    for ids in chunk_ids(ids) {
        let mut rows = Vec::new();
        for mut row in E::find().filter(id.is_in(ids)).order_by_asc(id).all(db).await? {
            let before = row.clone();
            take_out(&mut row);
            if row == before {
                continue;
            }
            if let Some((column, now)) = touched {
                row.try_set(column, now.into())?;
            }
            altered.push(of(&row));
            rows.push(row);
        }
        database::upsert::<E>(db, rows, &columns).await?;
    }
    Ok(altered)
}

/// Redacts a text in these columns of all rows that contain it.
async fn replace_in_columns<E: EntityTrait>(
    db: &impl ConnectionTrait,
    ids: &BTreeSet<Uuid>,
    id: E::Column,
    columns: &[E::Column],
    touched: (E::Column, DateTime<Utc>),
    text: &str,
) -> Result<()> {
    for ids in chunk_ids(ids) {
        let mut update = E::update_many()
            .col_expr(touched.0, Expr::value(touched.1))
            .filter(id.is_in(ids));
        for column in columns {
            update = update.col_expr(*column, replace_text_expression(*column, text, REDACTION_MARKER));
        }
        update.exec(db).await?;
    }
    Ok(())
}

macro_rules! alter {
    ($it:ident: $table:ident [$($column:ident)+], $take_out:expr, $of:expr) => {
        alter_rows::<$table::Entity, _>(
            $it.db,
            &$it.found.$table,
            $table::Column::Id,
            &[$($table::Column::$column),+],
            Some(($table::Column::UpdatedAt, $it.act.now())),
            $take_out,
            $of,
        )
    };
    // The time of the last change stays, as nobody has changed the row's content.
    ($it:ident: untouched $table:ident [$($column:ident)+], $take_out:expr, $of:expr) => {
        alter_rows::<$table::Entity, _>(
            $it.db,
            &$it.found.$table,
            $table::Column::Id,
            &[$($table::Column::$column),+],
            None,
            $take_out,
            $of,
        )
    };
}

macro_rules! replace {
    ($it:ident: $($table:ident [$($column:ident)+])+) => {$(
        replace_in_columns::<$table::Entity>(
            $it.db,
            &$it.found.$table,
            $table::Column::Id,
            &[$($table::Column::$column),+],
            ($table::Column::UpdatedAt, $it.act.now()),
            $it.text,
        )
        .await?;
    )+};
}

/// A redaction in progress.
struct Redaction<'a, D> {
    db: &'a D,
    act: &'a ActionContext<'a>,
    found: &'a RedactionMatches,
    replacement: &'a TextReplacement<'a>,
    text: &'a str,
}

impl<D: ConnectionTrait> Redaction<'_, D> {
    async fn redact_initiatives(&self) -> Result<BTreeSet<Uuid>> {
        let take_out = |row: &mut initiative::Model| {
            self.replacement
                .replace_optional_identity(IdentityKind::Reference, &mut row.external_ref);
            self.replacement.replace_in_text(&mut row.title);
            row.title_folded = fold_name(&row.title);
            for kept in [
                &mut row.summary,
                &mut row.sharing_basis,
                &mut row.sharing_confirmed_by,
                &mut row.sharing_licence,
            ] {
                self.replacement.replace_in_optional_text(kept);
            }
        };
        let altered = alter!(
            self: initiative [ExternalRef Title TitleFolded Summary SharingBasis SharingConfirmedBy SharingLicence],
            take_out,
            |row| row.id
        );
        Ok(altered.await?.into_iter().collect())
    }

    /// Returns the initiative of each changed revision.
    async fn redact_revisions(&self) -> Result<Vec<Uuid>> {
        let take_out = |row: &mut revision::Model| {
            self.replacement.replace_in_record(&mut row.document);
            self.replacement.replace_in_text(&mut row.reason);
        };
        alter!(self: untouched revision [Document Reason], take_out, |row| row.initiative_id).await
    }

    async fn redact_grant_details(&self) -> Result<()> {
        let take_out = |row: &mut grant_detail::Model| {
            self.replacement
                .replace_identity(IdentityKind::Grant, &mut row.grant_identifier);
            self.replacement.replace_in_document(&mut row.document);
        };
        alter!(self: grant_detail [GrantIdentifier Document], take_out, |_| ()).await?;
        Ok(())
    }

    /// Returns the records whose funding terms contained the text. Records with other affected parts are
    /// found by their revisions.
    async fn redact_parts(&self) -> Result<Vec<Uuid>> {
        replace!(self: entry_point_taken [Motivation] challenge_faced [Note] source [Title Url Licence]);
        let take_out = |row: &mut funding_term::Model| {
            self.replacement
                .replace_optional_identity(IdentityKind::Grant, &mut row.grant_identifier);
            self.replacement.replace_in_optional_text(&mut row.programme);
        };
        alter!(self: funding_term [GrantIdentifier Programme], take_out, |row| row.initiative_id).await
    }

    async fn redact_submissions(&self) -> Result<usize> {
        let take_out = |row: &mut submission::Model| {
            self.replacement.replace_in_typed_document(&mut row.document);
            self.replacement.replace_in_optional_text(&mut row.review_note);
            self.replacement
                .replace_optional_identity(IdentityKind::Reference, &mut row.external_ref);
        };
        let altered = alter!(
            self: untouched submission [Document ReviewNote ExternalRef], take_out, |row| row.id
        );
        Ok(altered.await?.len())
    }

    async fn redact_audit_events(&self) -> Result<usize> {
        let take_out = |row: &mut audit_event::Model| self.replacement.replace_in_document(&mut row.detail);
        let altered = alter!(self: untouched audit_event [Detail], take_out, |row| row.id);
        Ok(altered.await?.len())
    }

    async fn redact_reference_revisions(&self) -> Result<usize> {
        let take_out = |row: &mut entity_revision::Model| {
            self.replacement.replace_in_document(&mut row.document);
            self.replacement.replace_in_text(&mut row.reason);
        };
        let altered = alter!(self: untouched entity_revision [Document Reason], take_out, |row| row.id);
        Ok(altered.await?.len())
    }

    /// Redacts a name and its lower-case form.
    fn redact_name(&self, name: &mut String, folded: &mut String) {
        self.replacement.replace_in_text(name);
        *folded = fold_name(name);
    }

    /// Redacts the names and identifiers of an organisation.
    fn redact_organisation_names(
        &self,
        name: &mut String,
        folded: &mut String,
        identifier: &mut Option<String>,
    ) {
        self.redact_name(name, folded);
        self.replacement
            .replace_optional_identity(IdentityKind::Organisation, identifier);
    }

    async fn redact_places(&self) -> Result<Vec<ChangeEntry>> {
        let take_out = |row: &mut place::Model| self.redact_name(&mut row.name, &mut row.name_folded);
        let altered = alter!(self: place [Name NameFolded], take_out, |row| row.id);
        Ok(update_entries(ChangeSubject::Place, altered.await?).collect())
    }

    async fn redact_crises(&self) -> Result<Vec<ChangeEntry>> {
        let take_out = |row: &mut crisis::Model| {
            self.replacement
                .replace_identity(IdentityKind::Slug, &mut row.slug);
            self.replacement.replace_in_text(&mut row.name);
        };
        let altered = alter!(self: crisis [Slug Name], take_out, |row| row.id);
        Ok(update_entries(ChangeSubject::Crisis, altered.await?).collect())
    }

    /// Redacts organisations and their aliases. Also returns the organisations whose identifier or name
    /// changed, as the disclosure keys of their records depend on it.
    async fn redact_organisations(&self) -> Result<(Vec<ChangeEntry>, Vec<organisation::Model>)> {
        let mut renamed = Vec::new();
        let take_out = |row: &mut organisation::Model| {
            let before = merge::disclosure_name(row).to_owned();
            self.redact_organisation_names(&mut row.name, &mut row.name_folded, &mut row.identifier);
            if merge::disclosure_name(row) != before {
                renamed.push(row.clone());
            }
        };
        let altered = alter!(self: organisation [Name NameFolded Identifier], take_out, |row| row.id);
        let entries = update_entries(ChangeSubject::Organisation, altered.await?).collect();
        let take_out = |row: &mut organisation_alias::Model| {
            self.redact_organisation_names(&mut row.name, &mut row.name_folded, &mut row.identifier);
        };
        alter!(self: organisation_alias [Name NameFolded Identifier], take_out, |_| ()).await?;
        Ok((entries, renamed))
    }

    async fn redact_terms_and_reflections(&self) -> Result<()> {
        let take_out = |row: &mut term::Model| {
            self.replacement
                .replace_identity(IdentityKind::Slug, &mut row.slug);
            self.replacement.replace_in_text(&mut row.name);
            self.replacement.replace_in_text(&mut row.definition);
            self.replacement.replace_in_optional_text(&mut row.usage_note);
            self.replacement.replace_in_document(&mut row.synonyms);
            row.name_folded = vocabulary::term::fold_term(&row.name, &row.synonyms);
        };
        alter!(self: term [Slug Name NameFolded Definition UsageNote Synonyms], take_out, |_| ()).await?;
        let take_out = |row: &mut meeting::Model| {
            self.replacement
                .replace_identity(IdentityKind::Meeting, &mut row.title);
            self.replacement.replace_in_optional_text(&mut row.theme);
            self.replacement
                .replace_in_optional_text(&mut row.registration_url);
        };
        alter!(self: meeting [Title Theme RegistrationUrl], take_out, |_| ()).await?;
        replace!(self: reflection [Text]);
        let take_out = |row: &mut claim::Model| {
            self.replacement
                .replace_identity(IdentityKind::Slug, &mut row.slug);
            self.replacement.replace_in_text(&mut row.statement);
            self.redact_filter(&mut row.pattern_when);
            self.redact_filter(&mut row.pattern_then);
            row.pattern_among
                .iter_mut()
                .for_each(|among| self.redact_filter(among));
        };
        let columns = alter!(
            self: claim [Slug Statement PatternWhen PatternThen PatternAmong], take_out, |_| ()
        );
        columns.await?;
        Ok(())
    }

    async fn redact_saved_questions(&self) -> Result<()> {
        let take_out = |row: &mut saved_question::Model| {
            self.replacement.replace_in_text(&mut row.name);
            for part in ["when", "then", "among"] {
                row.question
                    .get_mut(part)
                    .into_iter()
                    .for_each(|filter| self.redact_filter(filter));
            }
        };
        alter!(self: saved_question [Name Question], take_out, |_| ()).await?;
        Ok(())
    }

    /// Redacts the values of a filter. Codes stay, as the question could not be asked otherwise.
    fn redact_filter(&self, filter: &mut Value) {
        let mut without = filter.clone();
        self.replacement.replace_in_document(&mut without);
        if without != *filter && input::parse_input::<InitiativeFilter>("filter", without.clone()).is_ok() {
            *filter = without;
        }
    }

    /// Redacts stored results. They stay, as a repeat would otherwise run the mutation again.
    async fn redact_stored_results(&self) -> Result<()> {
        use idempotency_key::Column;
        let holding: Vec<(Uuid, String)> = idempotency_key::Entity::find()
            .select_only()
            .columns([Column::MemberId, Column::Key])
            .filter(json_contains_condition(Column::Answer, self.text))
            .into_tuple()
            .all(self.db)
            .await?;
        for one in holding {
            let row = idempotency_key::Entity::find_by_id(one).one(self.db).await?;
            if let Some(idempotency_key::Model {
                answer: Some(mut answer),
                member_id,
                key,
                ..
            }) = row
            {
                self.replacement.replace_in_stored_result(&mut answer);
                let row = idempotency_key::ActiveModel {
                    member_id: Unchanged(member_id),
                    key: Unchanged(key),
                    answer: Set(Some(answer)),
                    ..Default::default()
                };
                row.update(self.db).await?;
            }
        }
        Ok(())
    }

    /// Redacts revoked members. [Active members](find_obstacles) prevent the redaction.
    async fn redact_members(&self) -> Result<()> {
        let take_out = |row: &mut member::Model| {
            self.replacement
                .replace_identity(IdentityKind::Subject, &mut row.subject);
        };
        alter!(self: member [Subject], take_out, |_| ()).await?;
        // The names of tokens and invitations need not be unique.
        replace!(self: issued_token [Name] invitation [Name]);
        Ok(())
    }
}
