//! Taking a text out of everything that the base keeps, where it should never have come
//! in: records, their revisions, submissions, imports, what stewards keep and the audit trail. A marker is left in
//! its place; a file that holds it goes. The answers that are kept for whoever sends a mutation again are given
//! without it.

pub mod files;
mod found;
pub mod graphql;
mod taking;

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
    ChangeKind, ChangeSubject, audit_event, challenge_faced, claim, crisis, entry_point_taken,
    former_organisation, funding_term, grant_detail, initiative, issued_token, kept_revision, meeting,
    member, organisation, place, reflection, repeatable, revision, source, submission, term,
};

pub use self::found::Found;
use self::found::{holds, holds_json, replaced};
use self::taking::{Identity, Taking};
use crate::base::DisclosureKeys;
use crate::change::{self, Act, Entry};
use crate::error::Result;
use crate::graphql::input;
use crate::id::NodeKind;
use crate::initiative::filter_input::InitiativeFilter;
use crate::{database, merging, vocabulary};
use wayin_records::finding::{Finding, FindingCode};
use wayin_records::spelling::{fold, is_storable};

/// What stands where a text was taken out.
pub const MARKER: &str = "[redacted]";
/// The fewest characters of a text that is taken out: less would be found where it is not meant.
const SHORTEST: usize = 4;
/// The most.
const LONGEST: usize = 2_000;
/// How many rows are altered at once: SQLite binds at most 32,766 values, and a row may hold a long document.
const AT_ONCE: usize = 200;

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
    } else if !is_storable(text) {
        (
            FindingCode::InvalidFormat,
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

/// What stands against taking out what was found: an import that is under way and has it in its file, and a member
/// who may act and is known by it.
pub async fn stands_against(db: &impl ConnectionTrait, found: &Found) -> Result<Vec<Finding>> {
    let mut findings = files::check(db, &found.files).await?;
    for ids in pieces(&found.member) {
        let may_act: Vec<Uuid> = member::Entity::find()
            .select_only()
            .column(member::Column::Id)
            .filter(member::Column::Id.is_in(ids))
            .filter(member::Column::RevokedAt.is_null())
            .order_by_asc(member::Column::Id)
            .into_tuple()
            .all(db)
            .await?;
        findings.extend(may_act.into_iter().map(|id| {
            let reason = format!(
                "is in the subject of the member {}, by which their tokens find them; revoke that member first, or take \
                 out a longer text",
                NodeKind::Member.id(id)
            );
            Finding::new(FindingCode::WrongState, "text", reason)
        }));
    }
    Ok(findings)
}

/// Some of many ids, as many as one statement takes.
fn pieces(ids: &BTreeSet<Uuid>) -> impl Iterator<Item = Vec<Uuid>> {
    let mut ids = ids.iter().copied();
    std::iter::from_fn(move || {
        let piece: Vec<Uuid> = ids.by_ref().take(AT_ONCE).collect();
        (!piece.is_empty()).then_some(piece)
    })
}

/// Takes a text out of everything that was found to hold it, as it is written, and says in the log which records
/// were altered. Files that hold it go. In a transaction that [writes alone](database::begin_writing_alone).
pub async fn redact(db: &impl ConnectionTrait, act: &Act<'_>, text: &str, found: &Found) -> Result<Redacted> {
    let taking = Taking::of(db, found, text).await?;
    let redaction = Redaction {
        db,
        act,
        found,
        taking: &taking,
        text,
    };
    let mut altered = redaction.initiatives().await?;
    let revisions = redaction.revisions().await?;
    let mut redacted = Redacted {
        revisions: revisions.len(),
        ..Redacted::default()
    };
    altered.extend(revisions);
    altered.extend(redaction.parts().await?);
    redaction.grant_details().await?;
    redacted.initiatives = altered.len();
    redacted.submissions = redaction.submissions().await?;
    redacted.events = redaction.events().await?;
    redacted.kept = redaction.kept_revisions().await?;
    let mut entries = redaction.places().await?;
    entries.extend(redaction.crises().await?);
    let (organisations, known_anew) = redaction.organisations().await?;
    entries.extend(organisations);
    redaction.words().await?;
    redaction.members().await?;
    redacted.imports = files::redact(db, act, text, found).await?;
    forget_keys(db, text).await?;
    redaction.answers().await?;
    if !known_anew.is_empty() {
        let keys = DisclosureKeys::of(db).await?;
        for organisation in &known_anew {
            altered.extend(merging::give_new_keys(db, act, &keys, organisation).await?);
        }
    }
    entries.extend(standing(db, &altered).await?);
    change::append(db, act, &entries).await?;
    Ok(redacted)
}

/// The entries of the log for those of some records that stand.
async fn standing(db: &impl ConnectionTrait, altered: &BTreeSet<Uuid>) -> Result<Vec<Entry>> {
    let mut entries = Vec::with_capacity(altered.len());
    for ids in pieces(altered) {
        let standing: Vec<Uuid> = initiative::Entity::find()
            .select_only()
            .column(initiative::Column::Id)
            .filter(initiative::Column::Id.is_in(ids))
            .filter(initiative::Column::WithdrawnAt.is_null())
            .order_by_asc(initiative::Column::Id)
            .into_tuple()
            .all(db)
            .await?;
        entries.extend(log(ChangeSubject::Initiative, standing));
    }
    Ok(entries)
}

fn log(subject: ChangeSubject, altered: Vec<Uuid>) -> impl Iterator<Item = Entry> {
    let altered = altered.into_iter();
    altered.map(move |id| Entry::new(ChangeKind::Altered, subject, id))
}

/// Forgets what was sent under a key that holds the text.
async fn forget_keys(db: &impl ConnectionTrait, text: &str) -> Result<()> {
    repeatable::Entity::delete_many()
        .filter(holds(repeatable::Column::Key, text))
        .filter(repeatable::Column::Answer.is_not_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Has `take_out` alter the rows of some ids, as many at once as can be; what of them was altered is written, in
/// these columns. Answers a value of each altered row.
async fn alter<E, T>(
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
    for ids in pieces(ids) {
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
        database::write_over::<E>(db, rows, &columns).await?;
    }
    Ok(altered)
}

/// Takes a text out of the columns of rows that say no more than these.
async fn replace<E: EntityTrait>(
    db: &impl ConnectionTrait,
    ids: &BTreeSet<Uuid>,
    id: E::Column,
    columns: &[E::Column],
    touched: (E::Column, DateTime<Utc>),
    text: &str,
) -> Result<()> {
    for ids in pieces(ids) {
        let mut update = E::update_many()
            .col_expr(touched.0, Expr::value(touched.1))
            .filter(id.is_in(ids));
        for column in columns {
            update = update.col_expr(*column, replaced(*column, text, MARKER));
        }
        update.exec(db).await?;
    }
    Ok(())
}

macro_rules! alter {
    ($it:ident: $table:ident [$($column:ident)+], $take_out:expr, $of:expr) => {
        alter::<$table::Entity, _>(
            $it.db,
            &$it.found.$table,
            $table::Column::Id,
            &[$($table::Column::$column),+],
            Some(($table::Column::UpdatedAt, $it.act.now())),
            $take_out,
            $of,
        )
    };
    // What says when somebody last did something with it is not touched.
    ($it:ident: untouched $table:ident [$($column:ident)+], $take_out:expr, $of:expr) => {
        alter::<$table::Entity, _>(
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
        replace::<$table::Entity>(
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

/// A text that is being taken out.
struct Redaction<'a, D> {
    db: &'a D,
    act: &'a Act<'a>,
    found: &'a Found,
    taking: &'a Taking<'a>,
    text: &'a str,
}

impl<D: ConnectionTrait> Redaction<'_, D> {
    async fn initiatives(&self) -> Result<BTreeSet<Uuid>> {
        let take_out = |row: &mut initiative::Model| {
            self.taking
                .identity_if_any(Identity::Reference, &mut row.external_ref);
            self.taking.text(&mut row.title);
            row.title_folded = fold(&row.title);
            for kept in [
                &mut row.summary,
                &mut row.sharing_basis,
                &mut row.sharing_confirmed_by,
                &mut row.sharing_licence,
            ] {
                self.taking.text_if_any(kept);
            }
        };
        let altered = alter!(
            self: initiative [ExternalRef Title TitleFolded Summary SharingBasis SharingConfirmedBy SharingLicence],
            take_out,
            |row| row.id
        );
        Ok(altered.await?.into_iter().collect())
    }

    /// Answers of which record each version is.
    async fn revisions(&self) -> Result<Vec<Uuid>> {
        let take_out = |row: &mut revision::Model| {
            self.taking.record(&mut row.document);
            self.taking.text(&mut row.reason);
        };
        alter!(self: untouched revision [Document Reason], take_out, |row| row.initiative_id).await
    }

    /// What published grants say beyond their funding terms.
    async fn grant_details(&self) -> Result<()> {
        let take_out = |row: &mut grant_detail::Model| {
            self.taking.identity(Identity::Grant, &mut row.grant_identifier);
            self.taking.document(&mut row.document);
        };
        alter!(self: grant_detail [GrantIdentifier Document], take_out, |_| ()).await?;
        Ok(())
    }

    /// Answers the records whose funding terms held it; those of other parts are known by their versions.
    async fn parts(&self) -> Result<Vec<Uuid>> {
        replace!(self: entry_point_taken [Motivation] challenge_faced [Note] source [Title Url Licence]);
        let take_out = |row: &mut funding_term::Model| {
            self.taking
                .identity_if_any(Identity::Grant, &mut row.grant_identifier);
            self.taking.text_if_any(&mut row.programme);
        };
        alter!(self: funding_term [GrantIdentifier Programme], take_out, |row| row.initiative_id).await
    }

    async fn submissions(&self) -> Result<usize> {
        let take_out = |row: &mut submission::Model| {
            self.taking.typed(&mut row.document);
            self.taking.text_if_any(&mut row.review_note);
            self.taking
                .identity_if_any(Identity::Reference, &mut row.external_ref);
        };
        let altered = alter!(
            self: untouched submission [Document ReviewNote ExternalRef], take_out, |row| row.id
        );
        Ok(altered.await?.len())
    }

    async fn events(&self) -> Result<usize> {
        let take_out = |row: &mut audit_event::Model| self.taking.document(&mut row.detail);
        let altered = alter!(self: untouched audit_event [Detail], take_out, |row| row.id);
        Ok(altered.await?.len())
    }

    async fn kept_revisions(&self) -> Result<usize> {
        let take_out = |row: &mut kept_revision::Model| {
            self.taking.document(&mut row.document);
            self.taking.text(&mut row.reason);
        };
        let altered = alter!(self: untouched kept_revision [Document Reason], take_out, |row| row.id);
        Ok(altered.await?.len())
    }

    /// Takes it out of a name, and out of the same in lower case.
    fn name(&self, name: &mut String, folded: &mut String) {
        self.taking.text(name);
        *folded = fold(name);
    }

    /// Takes it out of what an organisation is, or was, known by.
    fn organisation(&self, name: &mut String, folded: &mut String, identifier: &mut Option<String>) {
        self.name(name, folded);
        self.taking.identity_if_any(Identity::Organisation, identifier);
    }

    async fn places(&self) -> Result<Vec<Entry>> {
        let take_out = |row: &mut place::Model| self.name(&mut row.name, &mut row.name_folded);
        let altered = alter!(self: place [Name NameFolded], take_out, |row| row.id);
        Ok(log(ChangeSubject::Place, altered.await?).collect())
    }

    async fn crises(&self) -> Result<Vec<Entry>> {
        let take_out = |row: &mut crisis::Model| {
            self.taking.identity(Identity::Slug, &mut row.slug);
            self.taking.text(&mut row.name);
        };
        let altered = alter!(self: crisis [Slug Name], take_out, |row| row.id);
        Ok(log(ChangeSubject::Crisis, altered.await?).collect())
    }

    /// Organisations, as they are known and as they were known before. Answers those too which are known by something
    /// else from now on, in the keys of their records.
    async fn organisations(&self) -> Result<(Vec<Entry>, Vec<organisation::Model>)> {
        let mut known_anew = Vec::new();
        let take_out = |row: &mut organisation::Model| {
            let before = merging::known_by(row).to_owned();
            self.organisation(&mut row.name, &mut row.name_folded, &mut row.identifier);
            if merging::known_by(row) != before {
                known_anew.push(row.clone());
            }
        };
        let altered = alter!(self: organisation [Name NameFolded Identifier], take_out, |row| row.id);
        let entries = log(ChangeSubject::Organisation, altered.await?).collect();
        let take_out = |row: &mut former_organisation::Model| {
            self.organisation(&mut row.name, &mut row.name_folded, &mut row.identifier);
        };
        alter!(self: former_organisation [Name NameFolded Identifier], take_out, |_| ()).await?;
        Ok((entries, known_anew))
    }

    /// The words of the field, and what was said.
    async fn words(&self) -> Result<()> {
        let take_out = |row: &mut term::Model| {
            self.taking.identity(Identity::Slug, &mut row.slug);
            self.taking.text(&mut row.name);
            self.taking.text(&mut row.definition);
            self.taking.text_if_any(&mut row.usage_note);
            self.taking.document(&mut row.synonyms);
            row.name_folded = vocabulary::term::folded(&row.name, &row.synonyms);
        };
        alter!(self: term [Slug Name NameFolded Definition UsageNote Synonyms], take_out, |_| ()).await?;
        let take_out = |row: &mut meeting::Model| {
            self.taking.identity(Identity::Meeting, &mut row.title);
            self.taking.text_if_any(&mut row.theme);
            self.taking.text_if_any(&mut row.registration_url);
        };
        alter!(self: meeting [Title Theme RegistrationUrl], take_out, |_| ()).await?;
        replace!(self: reflection [Text]);
        let take_out = |row: &mut claim::Model| {
            self.taking.identity(Identity::Slug, &mut row.slug);
            self.taking.text(&mut row.statement);
            self.filter(&mut row.pattern_when);
            self.filter(&mut row.pattern_then);
            row.pattern_among.iter_mut().for_each(|among| self.filter(among));
        };
        let columns = alter!(
            self: claim [Slug Statement PatternWhen PatternThen PatternAmong], take_out, |_| ()
        );
        columns.await?;
        Ok(())
    }

    /// Takes it out of what a filter looks for. Where it is part of a code instead, that stays, or the claim could not
    /// be asked any more.
    fn filter(&self, filter: &mut Value) {
        let mut without = filter.clone();
        self.taking.document(&mut without);
        if without != *filter && input::read::<InitiativeFilter>("filter", without.clone()).is_ok() {
            *filter = without;
        }
    }

    /// The answers that are kept for whoever sends a mutation again. They stay, or it would be done twice.
    async fn answers(&self) -> Result<()> {
        use repeatable::Column;
        let holding: Vec<(Uuid, String)> = repeatable::Entity::find()
            .select_only()
            .columns([Column::MemberId, Column::Key])
            .filter(holds_json(Column::Answer, self.text))
            .into_tuple()
            .all(self.db)
            .await?;
        for one in holding {
            let row = repeatable::Entity::find_by_id(one).one(self.db).await?;
            if let Some(repeatable::Model {
                answer: Some(mut answer),
                member_id,
                key,
                ..
            }) = row
            {
                self.taking.answer(&mut answer);
                let row = repeatable::ActiveModel {
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

    /// Members who were revoked; while one may act, nothing is [taken out](stands_against).
    async fn members(&self) -> Result<()> {
        let take_out = |row: &mut member::Model| self.taking.identity(Identity::Subject, &mut row.subject);
        alter!(self: member [Subject], take_out, |_| ()).await?;
        // What tokens are called tells nothing apart.
        replace!(self: issued_token [Name]);
        Ok(())
    }
}
