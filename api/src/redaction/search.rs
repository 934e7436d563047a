//! Finds the rows and files that contain a text. The first search runs before the transaction, so that others
//! need not wait. Within the transaction, only newer rows are searched.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, Func},
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{
    audit_event, challenge_faced, claim, crisis, entity_revision, entry_point_taken, funding_term,
    grant_detail, import, import_outcome, initiative, invitation, issued_token, meeting, member,
    organisation, organisation_alias, place, reflection, revision, saved_question, source, submission, term,
};

use super::files;
use crate::error::Result;
use crate::paging::KeysetScan;

const IDS_PER_BATCH: u64 = 10_000;
/// How much earlier than the first search a row can be dated that the search did not see: rows get their time
/// while they are written, from the clock of their server.
const CLOCK_SKEW_ALLOWANCE: TimeDelta = TimeDelta::hours(1);

macro_rules! tables {
    ($($table:ident { $($text:ident)* } { $($document:ident)* })+) => {
        /// The ids of the rows that contain a text, by table, and the files.
        #[derive(Clone, Debug, Default)]
        pub struct RedactionMatches {
            pub files: files::SearchedFiles,
            /// The time from which rows have not been searched yet. None before the first search.
            since: Option<DateTime<Utc>>,
            $(pub(super) $table: BTreeSet<Uuid>,)+
        }

        impl RedactionMatches {
            async fn search_rows(
                &mut self,
                db: &impl ConnectionTrait,
                text: &str,
                since: Option<DateTime<Utc>>,
            ) -> Result<()> {
                $({
                    use $table::Column;
                    let any = any_condition([
                        $(contains_condition(Column::$text, text),)*
                        $(json_contains_condition(Column::$document, text),)*
                    ]);
                    let mut rows = $table::Entity::find();
                    if let Some(since) = since {
                        rows = rows.filter(Column::UpdatedAt.gte(since));
                    }
                    let mut walk = KeysetScan::new(rows.filter(any), Column::Id, IDS_PER_BATCH);
                    while let Some(ids) = walk.next_ids(db).await? {
                        self.$table.extend(ids);
                    }
                })+
                Ok(())
            }
        }
    };
}

// Codes, digests, the codes of places and the issuers of tokens are left out: they contain no free text.
tables! {
    initiative { ExternalRef Title Summary SharingBasis SharingConfirmedBy SharingLicence } {}
    entry_point_taken { Motivation } {}
    challenge_faced { Note } {}
    funding_term { GrantIdentifier Programme } {}
    grant_detail { GrantIdentifier } { Document }
    source { Title Url Licence } {}
    revision { Reason } { Document }
    submission { ReviewNote ExternalRef } { Document }
    audit_event {} { Detail }
    entity_revision { Reason } { Document }
    organisation { Name Identifier } {}
    organisation_alias { Name Identifier } {}
    place { Name } {}
    crisis { Slug Name } {}
    term { Slug Name Definition UsageNote } { Synonyms }
    meeting { Title Theme RegistrationUrl } {}
    reflection { Text } {}
    claim { Slug Statement } { PatternWhen PatternThen PatternAmong }
    member { Subject } {}
    issued_token { Name } {}
    invitation { Name } {}
    saved_question { Name } { Question }
    import { FileName FailureReason Licence Notes } {}
    import_outcome { Message Column Path Sheet } {}
}

impl RedactionMatches {
    /// Searches everything or, in the second call, what was written since the first. Call it once before the
    /// redaction's transaction and once within it.
    pub async fn search(&mut self, db: &impl ConnectionTrait, now: DateTime<Utc>, text: &str) -> Result<()> {
        let since = self.since.replace(now - CLOCK_SKEW_ALLOWANCE);
        self.search_rows(db, text, since).await?;
        files::search_files(db, text, &mut self.files).await
    }
}

fn any_condition(conditions: impl IntoIterator<Item = Expr>) -> Expr {
    let any = conditions.into_iter().reduce(ExprTrait::or);
    any.unwrap_or_else(|| Expr::val(false))
}

/// An expression that replaces a text in a column.
pub(super) fn replace_text_expression(column: impl ColumnTrait, text: &str, by: &str) -> Expr {
    Func::cust("REPLACE")
        .arg(Expr::col(column.as_column_ref()))
        .arg(text)
        .arg(by)
        .into()
}

/// A condition: the column contains a text.
pub(super) fn contains_condition(column: impl ColumnTrait, text: &str) -> Expr {
    replace_text_expression(column, text, "").ne(Expr::col(column.as_column_ref()))
}

/// A condition: the JSON of a document contains a text, in the name or the value of a field.
pub(super) fn json_contains_condition(column: impl ColumnTrait, text: &str) -> Expr {
    let written = Value::from(text).to_string();
    let written = written.trim_start_matches('"').trim_end_matches('"').to_owned();
    let document = || Expr::col(column.as_column_ref()).cast_as("text");
    let without: Expr = Func::cust("REPLACE").arg(document()).arg(written).arg("").into();
    without.ne(document())
}
