//! Which rows hold a text, and which files. They are looked for before the transaction that takes it out, so that
//! others need not wait for it; within, only what was written meanwhile is looked at.

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
    grant_detail, import, import_outcome, initiative, issued_token, meeting, member, organisation,
    organisation_alias, place, reflection, revision, source, submission, term,
};

use super::files;
use crate::error::Result;
use crate::paging::KeysetScan;

/// How many ids are read at once.
const IDS_PER_BATCH: u64 = 10_000;
/// How long before the first look a row may be dated that it did not see: rows are dated while they are written,
/// by the clock of the server that writes them.
const CLOCK_SKEW_ALLOWANCE: TimeDelta = TimeDelta::hours(1);

macro_rules! tables {
    ($($table:ident { $($text:ident)* } { $($document:ident)* })+) => {
        /// The ids of the rows that hold a text, by table, and the files that do.
        #[derive(Clone, Debug, Default)]
        pub struct RedactionMatches {
            /// The files of imports.
            pub files: files::SearchedFiles,
            /// Since when rows are dated that were not looked at yet; none before the first look.
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

// Left out is what no text of anybody's is in: codes, digests, the codes of places, and who issues tokens.
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
    import { FileName FailureReason Licence } {}
    import_outcome { Message Column Path Sheet } {}
}

impl RedactionMatches {
    /// Looks through everything, or, where that was done, through what was written since. To be called once before
    /// the transaction that takes the text out, and once within.
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

/// A column with a text replaced by another.
pub(super) fn replace_text_expression(column: impl ColumnTrait, text: &str, by: &str) -> Expr {
    Func::cust("REPLACE")
        .arg(Expr::col(column.as_column_ref()))
        .arg(text)
        .arg(by)
        .into()
}

/// Whether a column holds a text.
pub(super) fn contains_condition(column: impl ColumnTrait, text: &str) -> Expr {
    replace_text_expression(column, text, "").ne(Expr::col(column.as_column_ref()))
}

/// Whether a document, written as JSON, holds a text, in a field's name or value.
pub(super) fn json_contains_condition(column: impl ColumnTrait, text: &str) -> Expr {
    let written = Value::from(text).to_string();
    let written = written.trim_start_matches('"').trim_end_matches('"').to_owned();
    let document = || Expr::col(column.as_column_ref()).cast_as("text");
    let without: Expr = Func::cust("REPLACE").arg(document()).arg(written).arg("").into();
    without.ne(document())
}
