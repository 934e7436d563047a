//! Publishes a batch of records or grants directly, without review.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;
use wayin_entity::{RowOutcome, funding_term, organisation};

use super::batch::{BatchResult, FileRow, LocatedProblem, RowResult};
use super::engine::ImportContext;
use super::grants::{field, named, proposal};
use crate::change_log::ActionContext;
use crate::database::is_in;
use crate::error::Result;
use crate::grant_detail::GrantDetail;
use crate::initiative::publish::{self, Proposal, PublicationOutcome, PublicationResult};
use crate::organisation::OrganisationLookup;
use crate::place::Gazetteer;
use wayin_records::formats::file_record::{CellPosition, FileRecord};
use wayin_records::formats::grants::Grant;
use wayin_records::problem::{Problem, ProblemCode};

/// Who publishes a batch.
pub(super) struct Publisher<'a> {
    pub(super) act: &'a ActionContext<'a>,
    /// The funder that publishes its own grants. None if the grants can be of any funder.
    pub(super) funder: Option<&'a organisation::Model>,
    /// Whether to add a warning for each location of a grant that is not a place in the database.
    pub(super) warns_of_locations: bool,
}

/// A row that is published.
struct PublishedRow<'a> {
    position: i64,
    at: &'a CellPosition,
    /// The record in the file. None for a grant.
    file: Option<&'a FileRecord>,
    warnings: Vec<(CellPosition, Problem)>,
}

impl PublishedRow<'_> {
    fn locate(&self, problems: Vec<Problem>) -> Vec<(CellPosition, Problem)> {
        match self.file {
            Some(file) => file.locate(problems),
            None => problems
                .into_iter()
                .map(|problem| (grant_cell(self.at, &problem), problem))
                .collect(),
        }
    }

    fn result(self, outcome: PublicationOutcome) -> RowResult {
        let (position, at) = (self.position, self.at.clone());
        let is_new = matches!(outcome, PublicationOutcome::Published { .. });
        let (mut result, found) = match outcome {
            PublicationOutcome::Published { id, warnings } | PublicationOutcome::Updated { id, warnings } => {
                let published = RowResult {
                    initiative: Some(id),
                    is_new,
                    ..RowResult::new(position, at, RowOutcome::Published)
                };
                (published, self.locate(warnings))
            }
            PublicationOutcome::Unchanged { id } => {
                let unchanged = RowResult {
                    initiative: Some(id),
                    ..RowResult::new(position, at, RowOutcome::Unchanged)
                };
                (unchanged, Vec::new())
            }
            PublicationOutcome::Rejected(problems) => (
                RowResult::rejected(position, at, self.locate(problems)),
                Vec::new(),
            ),
        };
        result
            .problems
            .extend(LocatedProblem::warnings(self.warnings.into_iter().chain(found)));
        result
    }
}

impl Publisher<'_> {
    /// Publishes a batch in the caller's transaction.
    pub(super) async fn publish(
        &self,
        db: &impl ConnectionTrait,
        context: &ImportContext<'_>,
        rows: &[(i64, FileRow)],
    ) -> Result<BatchResult> {
        let owners = self.load_owners(db, rows).await?;
        let places = &context.places;
        let mut results = Vec::with_capacity(rows.len());
        let (mut published, mut proposals) = (Vec::new(), Vec::new());
        for (position, row) in rows {
            let position = *position;
            match row {
                FileRow::Record(whole) => {
                    published.push(PublishedRow {
                        position,
                        at: &whole.file.position,
                        file: Some(&whole.file),
                        warnings: whole.warnings.clone(),
                    });
                    proposals.push(Proposal {
                        record: whole.record.clone(),
                        grant: None,
                        corrects: None,
                        base_version: whole.file.base_version(),
                        omitted: whole.file.omitted.clone(),
                    });
                }
                FileRow::Grant { at, grant, warnings } => {
                    if let Some(problem) = self.check_owner(grant, &owners) {
                        let problem = (grant_cell(at, &problem), problem);
                        results.push(RowResult::rejected(position, at.clone(), [problem]));
                        continue;
                    }
                    let mut warnings = warnings.clone();
                    if self.warns_of_locations {
                        warnings.extend(unknown_locations(at, grant, places));
                    }
                    published.push(PublishedRow {
                        position,
                        at,
                        file: None,
                        warnings,
                    });
                    proposals.push(proposal(grant, places, context.licence.as_deref()));
                }
                FileRow::Invalid(at, problems) => {
                    results.push(RowResult::rejected(position, at.clone(), problems.clone()));
                }
                // Only files that are submitted have such rows.
                FileRow::Submitted { .. } | FileRow::Stray(_) => {}
            }
        }
        let PublicationResult { outcomes, changes } =
            publish::publish_without_log(db, self.act, places, &context.keys, proposals).await?;
        let published = published.into_iter().zip(outcomes);
        results.extend(published.map(|(row, outcome)| row.result(outcome)));
        results.sort_by_key(|result| result.position);
        Ok(BatchResult {
            rows: results,
            changes,
        })
    }

    /// Loads the owners of the grants in a batch: the funders that the grants name, and the funders of stored terms
    /// with the same grant identifiers.
    async fn load_owners(&self, db: &impl ConnectionTrait, rows: &[(i64, FileRow)]) -> Result<GrantOwners> {
        if self.funder.is_none() {
            return Ok(GrantOwners::default());
        }
        let grants = || {
            rows.iter().filter_map(|(_, row)| match row {
                FileRow::Grant { grant, .. } => Some(grant),
                _ => None,
            })
        };
        let references: Vec<_> = grants().map(|grant| named(&grant.funder, None)).collect();
        let terms: Vec<(Option<String>, Uuid)> = funding_term::Entity::find()
            .select_only()
            .columns([
                funding_term::Column::GrantIdentifier,
                funding_term::Column::FunderId,
            ])
            .filter(is_in(
                db,
                funding_term::Column::GrantIdentifier.into_expr(),
                grants().map(|grant| &grant.identifier),
            ))
            .into_tuple()
            .all(db)
            .await?;
        Ok(GrantOwners {
            named: OrganisationLookup::load(db, references.iter()).await?,
            by_grant: terms
                .into_iter()
                .filter_map(|(grant, funder)| Some((grant?, funder)))
                .collect(),
        })
    }

    /// Returns why the funder may not publish a grant. None if it may.
    fn check_owner(&self, grant: &Grant, owners: &GrantOwners) -> Option<Problem> {
        let funder = self.funder?;
        if owners.named.find_id(&named(&grant.funder, None)) != Some(funder.id) {
            let reason = format!(
                "is {}, and not {}, for which you act",
                grant.funder.name, funder.name
            );
            return Some(Problem::new(
                ProblemCode::NotAllowed,
                "fundingTerms/0/funder",
                reason,
            ));
        }
        let owner = owners.by_grant.get(&grant.identifier)?;
        (*owner != funder.id).then(|| {
            let reason = format!(
                "{} is known as a grant of another funder; whose it is is for a steward to decide",
                grant.identifier
            );
            Problem::new(ProblemCode::NotAllowed, "fundingTerms/0/grantIdentifier", reason)
        })
    }
}

/// Warnings about the locations of a grant that are not places in the database.
fn unknown_locations(at: &CellPosition, grant: &Grant, places: &Gazetteer) -> Vec<(CellPosition, Problem)> {
    let detail = GrantDetail::from_grant(grant);
    let unknown = detail.unknown_locations(places).map(|(position, key)| {
        let path = format!("beneficiaryLocation/{position}/{}", key.field_name());
        let reason = format!("{key}; it is kept, and read again when places are added");
        let problem = Problem::new(ProblemCode::NotFound, path, reason);
        (grant_cell(at, &problem), problem)
    });
    unknown.collect()
}

/// The funders that own grants.
#[derive(Default)]
struct GrantOwners {
    /// The organisations that the grants name as their funders.
    named: OrganisationLookup,
    /// The funders of the stored funding terms, by grant identifier.
    by_grant: HashMap<String, Uuid>,
}

/// The field of the grant that a problem is about.
fn grant_cell(at: &CellPosition, problem: &Problem) -> CellPosition {
    CellPosition {
        column: Some(field(&problem.path)).filter(|field| !field.is_empty()),
        ..at.clone()
    }
}
