//! Turns a batch of records of one organisation into submissions. This does for many records what the mutations
//! `saveSubmission` and `submitForReview` do for one.

use std::borrow::Cow;
use std::collections::HashMap;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;
use wayin_entity::{ImportMode, RowOutcome, SubmissionState, import, initiative, organisation, submission};

use super::batch::{BatchResult, FileRow, LocatedProblem, RowResult};
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::{ActionContext, ChangeEntry};
use crate::database::{insert_all, is_in};
use crate::error::Result;
use crate::initiative::publish::{self, Proposal, PublicationOutcome, PublicationResult};
use crate::instance::DisclosureKeys;
use crate::place::Gazetteer;
use crate::store::revisions::load_newest_documents;
use crate::submission::validate::{self, ParsedSubmission, UnvalidatedRecord, ValidatedSubmission};
use crate::submission::workflow::{self, Transition};
use crate::submission::{external_reference, transition_actor};
use wayin_records::formats::file_record::{CellPosition, FileRecord};
use wayin_records::problem::{Problem, ProblemCode};

/// The member who submits a batch, and the data that this needs.
pub(super) struct Submitter<'a> {
    pub(super) act: &'a ActionContext<'a>,
    pub(super) places: &'a Gazetteer,
    pub(super) keys: &'a DisclosureKeys,
    pub(super) member: &'a AuthenticatedMember,
    pub(super) organisation: &'a organisation::Model,
    pub(super) import: &'a import::Model,
}

/// A row whose record can be stored.
struct SubmissionRow<'a> {
    position: i64,
    record: &'a FileRecord,
    reference: Cow<'a, str>,
}

impl SubmissionRow<'_> {
    /// The published record that the row corrects, with its base version. The base version is the version that the row
    /// names, or else the current one. Returns None if the row names a version that never existed.
    fn corrects(&self, existing: &ExistingRecords) -> Option<(Uuid, i32)> {
        let (id, newest) = *existing.published.get(&*self.reference)?;
        if self.record.version.is_none() {
            return Some((id, newest));
        }
        let base_version = self.record.base_version().filter(|version| *version <= newest)?;
        Some((id, base_version))
    }

    /// Whether the open submission already contains the document of the row, with the same base version.
    fn is_in_hand(&self, open: &submission::Model, existing: &ExistingRecords) -> bool {
        let is_from = |corrects| open.initiative_id.zip(open.initiative_version) == corrects;
        open.document == self.record.document
            && (self.record.version.is_none() || is_from(self.corrects(existing)))
    }
}

/// What to do with a record.
struct Step {
    result: RowResult,
    writes: Option<Write>,
    publishes: Option<Proposal>,
}

impl Step {
    const fn nothing(result: RowResult) -> Self {
        Self {
            result,
            writes: None,
            publishes: None,
        }
    }
}

/// A submission to write.
struct Write {
    is_new: bool,
    row: submission::Model,
}

/// The records that the rows of a batch refer to.
struct ExistingRecords {
    /// Open submissions, by reference.
    open: HashMap<String, submission::Model>,
    /// Published records with their versions, by reference.
    published: HashMap<String, (Uuid, i32)>,
}

impl Submitter<'_> {
    /// Submits a batch in the caller's transaction.
    ///
    /// `read_for` is the organisation for which the producer validated the records. It may have been merged into this
    /// one since then.
    pub(super) async fn submit(
        &self,
        db: &impl ConnectionTrait,
        file_rows: &mut [(i64, FileRow)],
        read_for: Option<&organisation::Model>,
    ) -> Result<BatchResult> {
        self.complete(db, file_rows).await?;
        let mut results = Vec::with_capacity(file_rows.len());
        let rows = self.kept(file_rows, read_for, &mut results);
        let existing = self
            .load_existing(db, rows.iter().map(|(row, _)| &*row.reference))
            .await?;
        let (mut taken, mut proposed) = (Vec::new(), Vec::new());
        for (row, alone) in rows {
            if let Some(problem) = not_taken(&row, &existing) {
                results.push(rejected(row.position, row.record, vec![problem]));
                continue;
            }
            proposed.push(UnvalidatedRecord {
                parsed: alone,
                corrects: existing.published.get(&*row.reference).map(|(id, _)| *id),
                base_version: row.record.base_version(),
            });
            taken.push(row);
        }
        let looked = validate::validate_all(db, self.act, self.places, self.organisation, proposed).await?;
        let (mut submissions, mut to_publish) = (Vec::new(), Vec::new());
        for (row, looked) in taken.into_iter().zip(looked) {
            let Step {
                result: one,
                writes,
                publishes,
            } = self.step(&row, looked, &existing);
            results.push(one);
            if let Some(proposal) = publishes {
                to_publish.push((results.len() - 1, submissions.len(), proposal));
            }
            submissions.extend(writes);
        }
        let changes = self
            .publish(db, to_publish, &mut results, &mut submissions)
            .await?;
        write(db, submissions).await?;
        results.sort_by_key(|one| one.position);
        Ok(BatchResult {
            rows: results,
            changes,
        })
    }

    /// Fills in the omitted fields of each record from its open submission, or else from the published record.
    async fn complete(&self, db: &impl ConnectionTrait, file_rows: &mut [(i64, FileRow)]) -> Result<()> {
        let partial = file_rows.iter_mut().filter_map(|(_, row)| match row {
            FileRow::Submitted { record, alone } => {
                let unstated = record.omitted.clone().filter(|unstated| !unstated.is_empty())?;
                let reference = external_reference(&record.document)?.into_owned();
                Some((reference, unstated, record, alone))
            }
            _ => None,
        });
        let partial: Vec<_> = partial.collect();
        if partial.is_empty() {
            return Ok(());
        }
        let references = partial.iter().map(|(reference, ..)| reference.as_str());
        let existing = self.load_existing(db, references).await?;
        let documents = load_newest_documents(db, existing.published.values().map(|(id, _)| *id)).await?;
        for (reference, unstated, record, alone) in partial {
            let published = existing.published.get(&reference);
            let published = published.and_then(|(id, _)| documents.get(id));
            let open = existing.open.get(&reference).map(|open| &open.document);
            if let Some(before) = open.or(published) {
                unstated.fill_from_published(&mut record.document, before);
                *alone = None;
            }
        }
        Ok(())
    }

    /// Returns the records that can be stored as submissions, each parsed on its own. Such a record is an object and
    /// has a unique reference, so that it can be matched when the corrected file is sent. The parsed records are moved
    /// out of the batch. If the batch is tried again, the records are parsed again.
    fn kept<'a>(
        &self,
        file_rows: &'a mut [(i64, FileRow)],
        read_for: Option<&organisation::Model>,
        results: &mut Vec<RowResult>,
    ) -> Vec<(SubmissionRow<'a>, ParsedSubmission)> {
        let is_read = read_for.is_some_and(|read_for| {
            (&read_for.identifier, &read_for.name) == (&self.organisation.identifier, &self.organisation.name)
        });
        let mut rows = Vec::with_capacity(file_rows.len());
        for (position, row) in file_rows {
            let position = *position;
            let (record, alone) = match row {
                FileRow::Submitted { record, alone } => (record, alone),
                FileRow::Stray(stray) => {
                    let problem = Problem::new(stray.code, "", stray.reason.clone());
                    let at = stray.position.clone();
                    results.push(RowResult::rejected(position, at.clone(), [(at, problem)]));
                    continue;
                }
                // Only files that are published directly have such rows.
                FileRow::Record(_) | FileRow::Grant { .. } | FileRow::Invalid(..) => continue,
            };
            let record: &FileRecord = record;
            if let Some(refusal) = validate::check_shape(&record.document) {
                let problems = refusal.problems.into_iter().map(|problem| Problem {
                    path: String::new(),
                    ..problem
                });
                results.push(rejected(position, record, problems.collect()));
                continue;
            }
            let Some(reference) = external_reference(&record.document) else {
                let reason =
                    "is needed, as a text: without it a corrected record cannot be matched to this one";
                let problem = Problem::new(ProblemCode::Required, "externalRef", reason);
                results.push(rejected(position, record, vec![problem]));
                continue;
            };
            if record.has_duplicate_reference() {
                results.push(rejected(position, record, Vec::new()));
                continue;
            }
            let alone = match alone.take() {
                Some(alone) if is_read => *alone,
                _ => validate::parse_submission(&record.document, self.organisation),
            };
            let row = SubmissionRow {
                position,
                record,
                reference,
            };
            rows.push((row, alone));
        }
        rows
    }

    async fn load_existing<'r>(
        &self,
        db: &impl ConnectionTrait,
        references: impl Iterator<Item = &'r str> + Clone,
    ) -> Result<ExistingRecords> {
        let found = submission::Entity::find()
            .filter(submission::Column::OrganisationId.eq(self.organisation.id))
            .filter(is_in(
                db,
                submission::Column::ExternalRef.into_expr(),
                references.clone(),
            ))
            .filter(submission::Column::State.is_in([
                SubmissionState::Draft,
                SubmissionState::ChangesRequested,
                SubmissionState::Submitted,
            ]))
            // If several are open, the one that was updated last is used.
            .order_by_asc(submission::Column::UpdatedAt)
            .lock_exclusive()
            .all(db)
            .await?;
        let open = found
            .into_iter()
            .filter_map(|row| Some((row.external_ref.clone()?, row)))
            .collect();
        let published = initiative::Entity::find()
            .filter(initiative::Column::LeadOrganisationId.eq(self.organisation.id))
            .filter(is_in(db, initiative::Column::ExternalRef.into_expr(), references))
            .filter(initiative::Column::WithdrawnAt.is_null())
            .lock_exclusive()
            .all(db)
            .await?
            .into_iter()
            .filter_map(|row| Some((row.external_ref?, (row.id, row.version))))
            .collect();
        Ok(ExistingRecords { open, published })
    }

    /// Decides what to do with a record that can be stored.
    fn step(&self, row: &SubmissionRow<'_>, looked: ValidatedSubmission, existing: &ExistingRecords) -> Step {
        let SubmissionRow {
            position,
            record,
            ref reference,
            ..
        } = *row;
        let open = existing.open.get(&**reference);
        let corrects = row.corrects(existing);
        let mut result = RowResult::new(position, record.position.clone(), RowOutcome::Unchanged);
        result.problems = list_row_problems(record, &looked);
        result.initiative = existing.published.get(&**reference).map(|(id, _)| *id);
        result.submission = open.map(|open| open.id);
        let is_sent = open.is_some_and(|open| open.state == SubmissionState::Submitted);
        if is_sent || (open.is_none() && looked.is_unchanged) {
            return Step::nothing(result);
        }
        let same = open.is_some_and(|open| row.is_in_hand(open, existing));
        let is_right = looked.errors.is_empty() && record.problems.is_empty();
        let from = open.map_or(SubmissionState::Draft, |open| open.state);
        let after = match self.import.mode {
            ImportMode::Submit if is_right => {
                let by = transition_actor(self.member, self.organisation);
                workflow::next_state(from, Transition::Submit, by).unwrap_or(from)
            }
            _ => from,
        };
        result.outcome = match (self.import.mode, after) {
            (_, SubmissionState::Published) => RowOutcome::Published,
            (_, SubmissionState::Submitted) => RowOutcome::Submitted,
            (ImportMode::Submit, _) => RowOutcome::Invalid,
            _ if same => return Step::nothing(result),
            _ => RowOutcome::Drafted,
        };
        let now = self.act.now();
        let sent = after != from;
        let submission = submission::Model {
            id: open.map_or_else(|| self.act.clock.new_id(), |open| open.id),
            organisation_id: self.organisation.id,
            author_id: open.map_or(self.member.id, |open| open.author_id),
            state: after,
            document: record.document.clone(),
            external_ref: Some(reference.to_string()),
            import_id: Some(self.import.id),
            initiative_id: corrects.map(|(id, _)| id),
            initiative_version: corrects.map(|(_, version)| version),
            review_note: open.and_then(|open| open.review_note.clone()).filter(|_| !sent),
            version: open.map_or(1, |open| open.version + i32::from(!same)),
            submitted_at: if sent {
                Some(now)
            } else {
                open.and_then(|open| open.submitted_at)
            },
            decided_at: open.and_then(|open| open.decided_at),
            created_at: open.map_or(now, |open| open.created_at),
            updated_at: now,
        };
        result.submission = Some(submission.id);
        Step {
            result,
            writes: Some(Write {
                is_new: open.is_none(),
                row: submission,
            }),
            publishes: looked.proposal.filter(|_| after == SubmissionState::Published),
        }
    }

    /// Publishes the proposals. A rejected one becomes a draft. Returns the entries for the change log.
    async fn publish(
        &self,
        db: &impl ConnectionTrait,
        to_publish: Vec<(usize, usize, Proposal)>,
        results: &mut [RowResult],
        submissions: &mut [Write],
    ) -> Result<Vec<ChangeEntry>> {
        let (mut places_of, mut proposals) = (Vec::new(), Vec::new());
        for (row, submission, proposal) in to_publish {
            places_of.push((row, submission));
            proposals.push(proposal);
        }
        let PublicationResult { outcomes, changes } =
            publish::publish_without_log(db, self.act, self.places, self.keys, proposals).await?;
        for ((row, submission), outcome) in places_of.into_iter().zip(outcomes) {
            let (result, submission) = (&mut results[row], &mut submissions[submission].row);
            if matches!(outcome, PublicationOutcome::Unchanged { .. }) {
                // Someone else has published the same content since the record was validated.
                result.outcome = RowOutcome::Unchanged;
            }
            match outcome {
                PublicationOutcome::Published { id, .. }
                | PublicationOutcome::Updated { id, .. }
                | PublicationOutcome::Unchanged { id } => {
                    submission.initiative_id = Some(id);
                    submission.decided_at = Some(self.act.now());
                    result.initiative = Some(id);
                }
                PublicationOutcome::Rejected(problems) => {
                    submission.state = SubmissionState::Draft;
                    submission.submitted_at = None;
                    result.outcome = RowOutcome::Invalid;
                    // The cell is not known any more, so the path takes the place of the column.
                    let at = result.at.clone();
                    result
                        .problems
                        .extend(problems.into_iter().map(|problem| LocatedProblem {
                            cell: CellPosition {
                                column: Some(problem.path.clone()).filter(|path| !path.is_empty()),
                                ..at.clone()
                            },
                            problem,
                            is_warning: false,
                        }));
                }
            }
        }
        Ok(changes)
    }
}

/// Returns why a record cannot be stored now. None if it can.
fn not_taken(row: &SubmissionRow<'_>, existing: &ExistingRecords) -> Option<Problem> {
    let open = existing.open.get(&*row.reference)?;
    let reviewed = open.state == SubmissionState::Submitted && !row.is_in_hand(open, existing);
    reviewed.then(|| {
        let reason =
            "another version of this record was sent in and is being reviewed; a steward can return it";
        Problem::new(ProblemCode::WrongState, "externalRef", reason)
    })
}

/// The result of a record that is rejected, with all problems that were found so far.
fn rejected(position: i64, record: &FileRecord, problems: Vec<Problem>) -> RowResult {
    let problems = record.problems.iter().cloned().chain(problems);
    RowResult::rejected(
        position,
        record.position.clone(),
        problems.map(|problem| (record.find_cell(&problem.path), record.translate_problem(problem))),
    )
}

/// The problems and warnings of a record, each with its cell.
fn list_row_problems(record: &FileRecord, looked: &ValidatedSubmission) -> Vec<LocatedProblem> {
    let located = |problem: &Problem, is_warning| LocatedProblem {
        cell: record.find_cell(&problem.path),
        problem: record.translate_problem(problem.clone()),
        is_warning,
    };
    // A problem with a cell of the file says more than the problem in the record that results from it.
    let errors = record.merge_file_problems(looked.errors.iter().cloned());
    // A field with an error has no warnings.
    let is_wrong = |warning: &&Problem| errors.iter().any(|error| error.path == warning.path);
    let warnings = record.warnings.iter().chain(&looked.warnings);
    let warnings = warnings
        .filter(|warning| !is_wrong(warning))
        .map(|warning| located(warning, true));
    let errors = errors.iter().map(|error| located(error, false));
    errors.chain(warnings).collect()
}

/// Writes the submissions: all new ones together, the others one by one.
async fn write(db: &impl ConnectionTrait, submissions: Vec<Write>) -> Result<()> {
    let (new, altered): (Vec<_>, Vec<_>) = submissions.into_iter().partition(|one| one.is_new);
    for one in altered {
        one.row.into_active_model().reset_all().update(db).await?;
    }
    let new = new.into_iter().map(|one| one.row.into_active_model());
    insert_all(db, new).await?;
    Ok(())
}
