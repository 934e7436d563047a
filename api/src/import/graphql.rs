//! Imports over GraphQL: sending a file in, and seeing what became of its rows.

use async_graphql::{Context, ID, InputObject, InputType, Object, Result, SimpleObject, Upload};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{
    FileFormat, ImportKind, ImportMode, ImportState, RowOutcome, import, import_outcome, submission,
};

use super::job::{self, corrections};
use crate::app::App;
use crate::auth::member::graphql::{self as member_graphql, load_member};
use crate::auth::requester::Member;
use crate::error::Error;
use crate::graphql::{
    app,
    connection::Connection,
    decode,
    list::list,
    loader::{self, RowKey},
    member,
    user_error::UserError,
};
use crate::id::NodeKind;
use crate::initiative::graphql::{Initiative, InitiativeById, Organisation};
use crate::mutation::{self, Begun, Event, Sent};
use crate::organisation::loaders::OrganisationById;
use crate::paging::PageArguments;
use crate::submission::graphql::Submission;
use wayin_records::finding::{Finding, FindingCode};

/// A file that is taken in row by row, and what became of it.
#[derive(Clone, Debug)]
pub struct Import(pub import::Model);

/// A file that is taken in row by row, and what became of it.
#[Object]
impl Import {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::Import.id(self.0.id).into()
    }

    /// The organisation whose records or grants they are; null for grants of any funder.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation_id else {
            return Ok(None);
        };
        Ok(loader::of(ctx)
            .load_one(OrganisationById(id))
            .await?
            .map(Organisation))
    }

    /// The member who sent the file. Only stewards can read members.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<member_graphql::Member>> {
        load_member(ctx, Some(self.0.member_id)).await
    }

    /// What the file holds.
    async fn kind(&self) -> ImportKind {
        self.0.kind
    }

    /// What becomes of its records.
    async fn mode(&self) -> ImportMode {
        self.0.mode
    }

    /// The file's name.
    async fn file_name(&self) -> &str {
        &self.0.file_name
    }

    /// The file's format.
    async fn format(&self) -> FileFormat {
        self.0.format
    }

    /// The file's length in bytes.
    async fn bytes(&self) -> i64 {
        self.0.bytes
    }

    /// Where it stands.
    async fn state(&self) -> ImportState {
        self.0.state
    }

    /// Why the file could not be read to its end, in plain words; null where it could. What was taken in
    /// before that stays.
    async fn failure_reason(&self) -> Option<&str> {
        self.0.failure_reason.as_deref()
    }

    /// What is to be known of how the file was read, such as its encoding and the separator of its columns, one
    /// sentence each; empty where it is plain.
    async fn notes(&self) -> Vec<&str> {
        self.0.notes.as_deref().unwrap_or_default().lines().collect()
    }

    /// How many rows came to something so far: the counts below make it up.
    async fn rows_processed(&self) -> i64 {
        self.0.rows_processed
    }

    /// How many were kept as drafts.
    async fn draft_count(&self) -> i64 {
        self.0.draft_count
    }

    /// How many were sent in.
    async fn submitted_count(&self) -> i64 {
        self.0.submitted_count
    }

    /// How many were published.
    async fn published_count(&self) -> i64 {
        self.0.published_count
    }

    /// How many stood so already.
    async fn unchanged_count(&self) -> i64 {
        self.0.unchanged_count
    }

    /// How many were to be sent and are kept as drafts, as something stands against them.
    async fn invalid_count(&self) -> i64 {
        self.0.invalid_count
    }

    /// How many could not be kept, and are to be mended in the file.
    async fn rejected_count(&self) -> i64 {
        self.0.rejected_count
    }

    /// How many were taken, but are worth a look.
    async fn warning_count(&self) -> i64 {
        self.0.warning_count
    }

    /// What each row came to, in the order of the file: one entry for each thing that was found in it, or
    /// one in all. Empty once the import has expired.
    async fn rows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all where nothing is said.")] filter: Option<ImportRowFilter>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ImportRow>> {
        let mut select =
            import_outcome::Entity::find().filter(import_outcome::Column::ImportId.eq(self.0.id));
        if self.0.expired_at.is_some() {
            select = select.filter(Expr::val(false));
        }
        let filter = filter.unwrap_or_default();
        if let Some(outcomes) = filter.outcomes {
            select = select.filter(import_outcome::Column::Outcome.is_in(outcomes));
        }
        if filter.has_problems.unwrap_or(false) {
            select = select.filter(import_outcome::Column::Code.is_not_null());
        }
        let page = PageArguments::new(first, after, last, before);
        list(ctx, select, (), page, ImportRow).await
    }

    /// Where the rows that are to be mended can be downloaded as a workbook, each with what is to be mended
    /// beside it: a path of this server, asked for with your token. Null where there are none, and for grants.
    async fn corrections_url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let there = corrections::has_corrections(&app(ctx).db, &self.0).await?;
        Ok(there.then(|| format!("/imports/{}/corrections.xlsx", NodeKind::Import.id(self.0.id))))
    }

    /// When the file was sent (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When its rows were last taken in, or it ended (UTC).
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// When it ended (UTC); null until then.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }

    /// When the file and the list of its rows are deleted, or were (UTC); null until it has ended. What became
    /// of the records stays.
    async fn expires_at(&self, ctx: &Context<'_>) -> Option<DateTime<Utc>> {
        app(ctx).expiry.of_import(&self.0)
    }
}

/// What a row of a file came to, or one thing that was found in it.
#[derive(Clone, Debug)]
pub struct ImportRow(pub import_outcome::Model);

/// What a row of a file came to, or one thing that was found in it.
#[Object]
impl ImportRow {
    /// Counts the records of the file, from 1: everything that is said of one has its position.
    async fn position(&self) -> i64 {
        self.0.position
    }

    /// The sheet of a workbook; null in other files.
    async fn sheet(&self) -> Option<&str> {
        self.0.sheet.as_deref()
    }

    /// The row as a spreadsheet shows it, or the line, counted from 1.
    async fn row(&self) -> i64 {
        self.0.row
    }

    /// The column's header, or the path into a JSON document; null where the whole row is meant.
    async fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// What the record came to.
    async fn outcome(&self) -> RowOutcome {
        self.0.outcome
    }

    /// What kind of thing was found; null where nothing was.
    async fn code(&self) -> Option<FindingCode> {
        let code = self.0.code.clone()?;
        serde_json::from_value(Value::String(code)).ok()
    }

    /// What was found, in plain words; null where nothing was.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Where in the record it was found, as `["fundingTerms", "0", "endsOn"]`; null where nothing was.
    async fn path(&self) -> Option<Vec<&str>> {
        let path = self.0.path.as_deref()?;
        Some(path.split('/').filter(|step| !step.is_empty()).collect())
    }

    /// Whether what was found kept the record from nothing, and is only worth a look.
    async fn is_warning(&self) -> bool {
        self.0.is_warning
    }

    /// The submission that the record went into; null where there is none. For partners and stewards.
    async fn submission(&self, ctx: &Context<'_>) -> Result<Option<Submission>> {
        let Some(id) = self.0.submission_id else {
            return Ok(None);
        };
        Ok(loader::of(ctx).load_one(OfRow(id)).await?.map(Submission))
    }

    /// What is published of the record; null where nothing is, or you may not read it.
    async fn initiative(&self, ctx: &Context<'_>) -> Result<Option<Initiative>> {
        let Some(id) = self.0.initiative_id else {
            return Ok(None);
        };
        Ok(loader::of(ctx)
            .load_one(InitiativeById(id))
            .await?
            .map(Initiative))
    }
}

/// Loads the submission of a row, whoever asks: of an import that they may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OfRow(Uuid);

impl RowKey for OfRow {
    type Table = submission::Entity;
    const ID: submission::Column = submission::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

/// Which rows of an import.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ImportRowFilter {
    /// Those that came to one of these; any where nothing is said.
    outcomes: Option<Vec<RowOutcome>>,
    /// Whether only things that were found are listed, and rows in which nothing was are left out.
    has_problems: Option<bool>,
}

/// The imports.
#[derive(Default)]
pub struct ImportQuery;

#[Object]
impl ImportQuery {
    /// The imports of your organisation, the latest first; to stewards, everybody's. For funders, partners and stewards.
    async fn imports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Import>> {
        let select = job::visible_to(member(ctx)?);
        let page = PageArguments::new(first, after, last, before);
        list(ctx, select, (), page, Import).await
    }

    /// One import; null where there is none that you may see. For funders, partners and stewards.
    async fn import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: ID,
    ) -> Result<Option<Import>> {
        let id = decode(NodeKind::Import, "id", &id)?;
        Ok(job::find(&app(ctx).db, member(ctx)?, id).await?.map(Import))
    }
}

/// A file that is to be taken in.
#[derive(Debug, InputObject)]
pub struct ImportRecordsInput {
    /// The file, by a GraphQL multipart request: a workbook (`.xlsx`, `.ods`), a table (`.csv`) or JSON Lines of
    /// records, or 360Giving grants as JSON, a table or a workbook.
    file: Upload,
    /// What the file holds: records of one organisation (for partners), or the grants of a funder (for funders).
    #[graphql(default_with = "ImportKind::Records")]
    kind: ImportKind,
    /// What becomes of its records. Grants are published at once, as their funder did.
    #[graphql(default_with = "ImportMode::Draft")]
    mode: ImportMode,
    /// The organisation whose records or grants they are; your own where nothing is said. For stewards, who act
    /// for none; grants may be of any funder then.
    organisation: Option<ID>,
    /// The licence under which grants may be used again, where their file does not say one.
    licence: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

/// What came of sending a file.
#[derive(SimpleObject)]
pub struct ImportRecordsPayload {
    /// The import, which the service now takes in; null where the input was refused.
    import: Option<Import>,
    /// Everything that was wrong with the input; empty where the file is kept.
    user_errors: Vec<UserError>,
}

impl ImportRecordsPayload {
    fn refused(findings: Vec<Finding>) -> Self {
        Self {
            import: None,
            user_errors: findings.into_iter().map(UserError::from).collect(),
        }
    }
}

/// The stored result of a mutation, for a repeat under its key.
#[derive(Serialize, Deserialize)]
struct Answer {
    import: import::Model,
}

/// The mutations of imports.
#[derive(Default)]
pub struct ImportMutation;

#[Object]
impl ImportMutation {
    /// Keeps a file and has the service take in its rows, which `import` follows. A row that is not right keeps
    /// no other from being taken. For funders (grants), partners (records) and stewards.
    async fn import_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file, and what becomes of it.")] mut input: ImportRecordsInput,
    ) -> Result<ImportRecordsPayload> {
        let (app, key) = (app(ctx), input.idempotency_key.take());
        let upload = input
            .file
            .value(ctx)
            .map_err(|cause| Error::Internal(format!("an upload cannot be read: {cause}")))?;
        let mut content = upload.content;
        let read = tokio::task::spawn_blocking(move || {
            let known = job::summarize_file(&mut content)?;
            Ok::<_, std::io::Error>((known, content))
        });
        let failed =
            |cause: &dyn std::fmt::Display| Error::Internal(format!("an upload cannot be read: {cause}"));
        let (known, content) = read
            .await
            .map_err(|cause| failed(&cause))?
            .map_err(|cause| failed(&cause))?;
        let of = |id: &Option<ID>| {
            let id = id.as_ref();
            id.map(|id| decode(NodeKind::Organisation, "input.organisation", id))
                .transpose()
        };
        let sent = Sent {
            member: member(ctx)?,
            name: "importRecords",
            key: key.as_deref(),
            // The file is told by what is in it, and not by where in the request it came.
            input: format!(
                "{} {} {} {} {}",
                known.sha256,
                input.kind.to_value(),
                input.mode.to_value(),
                input.organisation.to_value(),
                input.licence.to_value()
            ),
        };
        let running = match mutation::begin::<Answer>(app.mutation_context(), sent).await? {
            Begun::Fresh(running) => running,
            Begun::Refused(finding) => return Ok(ImportRecordsPayload::refused(vec![finding])),
            Begun::Repeated(answer) => return Ok(repeated(app, member(ctx)?, answer).await?),
        };
        let format =
            match super::check_file(input.kind, &upload.filename, &known, &app.imports.settings.limits) {
                Ok(format) => format,
                Err(finding) => return Ok(ImportRecordsPayload::refused(vec![finding])),
            };
        let new = job::NewImport {
            kind: input.kind,
            intent: input.mode,
            organisation: of(&input.organisation)?,
            licence: input.licence,
            file_name: upload.filename,
            format,
            bytes: known.bytes,
        };
        let started = job::enqueue(
            running.db(),
            &running.act("sent a file"),
            member(ctx)?,
            new,
            content,
        )
        .await?;
        let row = match started {
            Ok(row) => row,
            Err(findings) => return Ok(ImportRecordsPayload::refused(findings)),
        };
        let event = Event {
            kind: NodeKind::Import,
            id: row.id,
            before: None,
            after: None,
            detail: json!({
                "kind": row.kind, "mode": row.mode, "fileName": row.file_name, "bytes": row.bytes,
                "sha256": known.sha256,
            }),
        };
        let answer = Answer { import: row };
        running.finish(event, &answer).await?;
        app.imports.notify_worker();
        Ok(ImportRecordsPayload {
            import: Some(Import(answer.import)),
            user_errors: Vec::new(),
        })
    }
}

/// The first answer once more: the import as it stood then, to whom may see it still.
async fn repeated(app: &App, member: &Member, answer: Answer) -> Result<ImportRecordsPayload, Error> {
    let stored = answer.import;
    let Some(now) = job::find(&app.db, member, stored.id).await? else {
        let reason = "the import that it made is not one that you may see any more";
        let finding = Finding::new(FindingCode::NotFound, "idempotencyKey", reason);
        return Ok(ImportRecordsPayload::refused(vec![finding]));
    };
    // Its organisation may have been merged into another since.
    let row = import::Model {
        organisation_id: now.organisation_id,
        ..stored
    };
    Ok(ImportRecordsPayload {
        import: Some(Import(row)),
        user_errors: Vec::new(),
    })
}
