//! Imports over GraphQL: uploading a file, and reading the outcomes of its rows.

use async_graphql::{Context, ID, InputObject, InputType, Object, Result, SimpleObject, Upload};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{
    FileFormat, ImportKind, ImportMode, ImportState, RowOutcome, import, import_outcome, submission,
};

use super::job::{self, ImportRecordsMode, ImportSender, corrections};
use crate::app::App;
use crate::auth::member::graphql::{self as member_graphql, load_member};
use crate::auth::requester::AuthenticatedMember;
use crate::error::Error;
use crate::graphql::{
    app_from_context,
    connection::NodeConnection,
    decode_argument,
    list::load_connection,
    loader::operation_loader,
    loader::{self, RowLoaderKey},
    problem::InputProblem,
    require_member,
};
use crate::id::NodeKind;
use crate::idempotency::{self, AuditRecord, MutationRequest, MutationStart};
use crate::initiative::graphql::{Initiative, InitiativeById, Organisation};
use crate::organisation::loaders::OrganisationById;
use crate::paging::PageArguments;
use crate::submission::graphql::Submission;
use wayin_records::problem::{Problem, ProblemCode};

/// An import of a file, row by row, with its results.
#[derive(Clone, Debug)]
pub struct Import(pub import::Model);

/// An import of a file, row by row, with its results.
#[Object]
impl Import {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Import.encode_id(self.0.id).into()
    }

    /// The organisation that the records or grants belong to. Null for grants of any funder, and for a file that was
    /// published on the command line.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation_id else {
            return Ok(None);
        };
        Ok(loader::operation_loader(ctx)
            .load_one(OrganisationById(id))
            .await?
            .map(Organisation))
    }

    /// The member who sent the file. Only stewards can read members. Null for a file that was published on the command
    /// line.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<member_graphql::Member>> {
        load_member(ctx, self.0.member_id).await
    }

    /// What the file contains.
    async fn kind(&self) -> ImportKind {
        self.0.kind
    }

    /// What the import does with the records.
    async fn mode(&self) -> ImportMode {
        self.0.mode
    }

    /// The name of the file.
    async fn file_name(&self) -> &str {
        &self.0.file_name
    }

    /// The format of the file.
    async fn format(&self) -> FileFormat {
        self.0.format
    }

    /// The size of the file in bytes.
    async fn bytes(&self) -> i64 {
        self.0.bytes
    }

    /// The state.
    async fn state(&self) -> ImportState {
        self.0.state
    }

    /// Why the import failed: the file could not be read to its end. Null if it did not fail. Rows that
    /// were imported before the failure stay imported.
    async fn failure_reason(&self) -> Option<&str> {
        self.0.failure_reason.as_deref()
    }

    /// Notes on how the file was read, such as its encoding and column separator. Each note is one
    /// sentence. Empty if there is nothing to report.
    async fn notes(&self) -> Vec<&str> {
        self.0.notes.as_deref().unwrap_or_default().lines().collect()
    }

    /// The number of rows that have an outcome so far. It is the sum of the counts by outcome, from
    /// `draftCount` to `rejectedCount`.
    async fn rows_processed(&self) -> i64 {
        self.0.rows_processed
    }

    /// The number of rows saved as drafts.
    async fn draft_count(&self) -> i64 {
        self.0.draft_count
    }

    /// The number of rows submitted for review.
    async fn submitted_count(&self) -> i64 {
        self.0.submitted_count
    }

    /// The number of rows published.
    async fn published_count(&self) -> i64 {
        self.0.published_count
    }

    /// The number of rows whose record was already the same.
    async fn unchanged_count(&self) -> i64 {
        self.0.unchanged_count
    }

    /// The number of rows saved as drafts because they have problems and could not be submitted.
    async fn invalid_count(&self) -> i64 {
        self.0.invalid_count
    }

    /// The number of rows that could not be saved. Correct them in the file.
    async fn rejected_count(&self) -> i64 {
        self.0.rejected_count
    }

    /// The number of rows with warnings.
    async fn warning_count(&self) -> i64 {
        self.0.warning_count
    }

    /// The outcome of each row, in the order of the file. A row has one entry for each of its problems and
    /// warnings, or one entry if it has none. Empty after the import has expired.
    async fn rows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rows to return. By default, all that you can see.")] filter: Option<
            ImportRowFilter,
        >,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<ImportRow>> {
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
        load_connection(ctx, select, (), page, ImportRow).await
    }

    /// The path on this server of a workbook with the rows to correct. Each row has its problems beside it.
    /// Request it with your token. Null if there are no rows to correct, and for grants.
    async fn corrections_url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let there = corrections::has_corrections(&app_from_context(ctx).db, &self.0).await?;
        Ok(there.then(|| {
            format!(
                "/imports/{}/corrections.xlsx",
                NodeKind::Import.encode_id(self.0.id)
            )
        }))
    }

    /// When the file was uploaded (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the import last processed rows or ended (UTC).
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// When the import ended (UTC). Null until then.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }

    /// When the file and the list of its rows are, or were, deleted (UTC). Null until the import has ended.
    /// The imported records stay.
    async fn expires_at(&self, ctx: &Context<'_>) -> Option<DateTime<Utc>> {
        app_from_context(ctx).expiry.import_expires_at(&self.0)
    }
}

/// The outcome of a row, or one problem or warning in it.
#[derive(Clone, Debug)]
pub struct ImportRow(pub import_outcome::Model);

/// The outcome of a row, or one problem or warning in it.
#[Object]
impl ImportRow {
    /// The position of the record in the file, from 1. All entries for one record have the same position.
    async fn position(&self) -> i64 {
        self.0.position
    }

    /// The sheet of the workbook. Null for other files.
    async fn sheet(&self) -> Option<&str> {
        self.0.sheet.as_deref()
    }

    /// The row number in the spreadsheet, or the line number in the file, from 1.
    async fn row(&self) -> i64 {
        self.0.row
    }

    /// The header of the column, or the path in a JSON document. Null if the entry is about the whole row.
    async fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// The outcome of the record.
    async fn outcome(&self) -> RowOutcome {
        self.0.outcome
    }

    /// The kind of problem. Null if there is none.
    async fn code(&self) -> Option<ProblemCode> {
        let code = self.0.code.clone()?;
        serde_json::from_value(Value::String(code)).ok()
    }

    /// The problem in plain words. Null if there is none.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The path of the field in the record, such as `["fundingTerms", "0", "endsOn"]`. Null if there is no
    /// problem.
    async fn path(&self) -> Option<Vec<&str>> {
        let path = self.0.path.as_deref()?;
        Some(path.split('/').filter(|step| !step.is_empty()).collect())
    }

    /// Whether this is a warning, which does not stop the record from being imported.
    async fn is_warning(&self) -> bool {
        self.0.is_warning
    }

    /// The submission that contains the record. Null if there is none. For partners and stewards.
    async fn submission(&self, ctx: &Context<'_>) -> Result<Option<Submission>> {
        let Some(id) = self.0.submission_id else {
            return Ok(None);
        };
        Ok(loader::operation_loader(ctx)
            .load_one(OfRow(id))
            .await?
            .map(Submission))
    }

    /// The published record. Null if it is not published or you cannot read it.
    async fn initiative(&self, ctx: &Context<'_>) -> Result<Option<Initiative>> {
        let Some(id) = self.0.initiative_id else {
            return Ok(None);
        };
        Ok(loader::operation_loader(ctx)
            .load_one(InitiativeById(id))
            .await?
            .map(Initiative::new))
    }
}

/// Loads the submission of a row without a check of permissions. The requester can already see the import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OfRow(Uuid);

impl RowLoaderKey for OfRow {
    type Table = submission::Entity;
    const ID: submission::Column = submission::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

/// Filters the rows of an import.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ImportRowFilter {
    /// Only rows with one of these outcomes. The default is all outcomes.
    outcomes: Option<Vec<RowOutcome>>,
    /// Whether to return only problems and warnings, without the rows that have none.
    has_problems: Option<bool>,
}

/// The imports.
#[derive(Default)]
pub struct ImportQuery;

#[Object]
impl ImportQuery {
    /// The imports of your organisation, or of all organisations for stewards, latest first. For funders,
    /// partners and stewards.
    async fn imports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Import>> {
        let select = job::visible_to(require_member(ctx)?);
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, select, (), page, Import).await
    }

    /// Returns one import. Null if it does not exist or you cannot see it. For funders, partners and
    /// stewards.
    async fn import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ID of the import.")] id: ID,
    ) -> Result<Option<Import>> {
        let id = decode_argument(NodeKind::Import, "id", &id)?;
        Ok(job::find(&app_from_context(ctx).db, require_member(ctx)?, id)
            .await?
            .map(Import))
    }
}

/// Input to import a file.
#[derive(Debug, InputObject)]
pub struct ImportRecordsInput {
    /// The file, sent as a GraphQL multipart request. Records can be a workbook (`.xlsx`, `.ods`), a table
    /// (`.csv`) or JSON Lines. 360Giving grants can be JSON, a table or a workbook.
    file: Upload,
    /// What the file contains: records of one organisation (for partners), or grants of one funder (for
    /// funders).
    #[graphql(default_with = "ImportKind::Records")]
    kind: ImportKind,
    /// What to do with the records. Grants are published at once, because their funder has published them
    /// already.
    #[graphql(default_with = "ImportRecordsMode::Draft")]
    mode: ImportRecordsMode,
    /// The organisation that the records or grants belong to. The default is your own. Stewards name it
    /// here, because they act for no organisation. If they do not name one, grants can be of any funder.
    organisation: Option<ID>,
    /// The licence under which the grants can be reused. Used if the file does not state one.
    licence: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// The result of uploading a file to import.
#[derive(SimpleObject)]
pub struct ImportRecordsPayload {
    /// The import, which now runs in the background. Null if the input was rejected.
    import: Option<Import>,
    /// The problems with the input. Empty if the file was stored.
    problems: Vec<InputProblem>,
}

impl ImportRecordsPayload {
    fn refused(problems: Vec<Problem>) -> Self {
        Self {
            import: None,
            problems: problems.into_iter().map(InputProblem::from).collect(),
        }
    }
}

/// The stored result of a mutation, for a replay.
#[derive(Serialize, Deserialize)]
struct ImportResult {
    import: import::Model,
}

/// The mutations of imports.
#[derive(Default)]
pub struct ImportMutation;

#[Object]
impl ImportMutation {
    /// Stores a file and starts to import its rows in the background. Use `import` to follow the progress.
    /// A row with problems does not stop other rows. For funders (grants), partners (records) and stewards.
    async fn import_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file, and what to do with its records.")] mut input: ImportRecordsInput,
    ) -> Result<ImportRecordsPayload> {
        let (app, key) = (app_from_context(ctx), input.idempotency_key.take());
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
            id.map(|id| decode_argument(NodeKind::Organisation, "input.organisation", id))
                .transpose()
        };
        // The codes of 0.1, so that its idempotency keys stay valid.
        let mode = match input.mode {
            ImportRecordsMode::Draft => "DRAFTS",
            ImportRecordsMode::Submit => "SENT",
        };
        operation_loader(ctx).view().forget().await;
        let sent = MutationRequest {
            member: require_member(ctx)?,
            name: "importRecords",
            key: key.as_deref(),
            // The hash identifies the file. Its position in the multipart request does not matter.
            input: format!(
                "{} {} {mode} {} {}",
                known.sha256,
                input.kind.to_value(),
                input.organisation.to_value(),
                input.licence.to_value()
            ),
        };
        let running = match idempotency::begin_mutation::<ImportResult>(app.mutation_context(), sent).await? {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => return Ok(ImportRecordsPayload::refused(vec![problem])),
            MutationStart::Replayed(answer) => return Ok(repeated(app, require_member(ctx)?, answer).await?),
        };
        let format =
            match super::check_file(input.kind, &upload.filename, &known, &app.imports.settings.limits) {
                Ok(format) => format,
                Err(problem) => return Ok(ImportRecordsPayload::refused(vec![problem])),
            };
        let new = job::NewImport {
            kind: input.kind,
            organisation: of(&input.organisation)?,
            licence: input.licence,
            file_name: upload.filename,
            format,
            bytes: known.bytes,
        };
        let started = job::enqueue(
            running.db(),
            &running.action("sent a file"),
            ImportSender::Member(require_member(ctx)?, input.mode),
            new,
            content,
        )
        .await?;
        let row = match started {
            Ok(row) => row,
            Err(problems) => return Ok(ImportRecordsPayload::refused(problems)),
        };
        let event = AuditRecord {
            kind: NodeKind::Import,
            id: row.id,
            before: None,
            after: None,
            detail: json!({
                "kind": row.kind, "mode": row.mode, "fileName": row.file_name, "bytes": row.bytes,
                "sha256": known.sha256,
            }),
        };
        let answer = ImportResult { import: row };
        running.finish(event, &answer).await?;
        app.imports.notify_worker();
        Ok(ImportRecordsPayload {
            import: Some(Import(answer.import)),
            problems: Vec::new(),
        })
    }
}

/// Returns the stored result again: the import as it was then, if the member can still see it.
async fn repeated(
    app: &App,
    member: &AuthenticatedMember,
    answer: ImportResult,
) -> Result<ImportRecordsPayload, Error> {
    let stored = answer.import;
    let Some(now) = job::find(&app.db, member, stored.id).await? else {
        let reason = "the import that it made is not one that you may see any more";
        let problem = Problem::new(ProblemCode::NotFound, "idempotencyKey", reason);
        return Ok(ImportRecordsPayload::refused(vec![problem]));
    };
    // The organisation may have been merged into another since then.
    let row = import::Model {
        organisation_id: now.organisation_id,
        ..stored
    };
    Ok(ImportRecordsPayload {
        import: Some(Import(row)),
        problems: Vec::new(),
    })
}
