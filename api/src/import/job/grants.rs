//! A batch of published grants: each becomes a funding term, and is published at once, as its funder did.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;
use wayin_entity::{RowOutcome, funding_term, organisation};

use super::batch::{Came, Remark, Taken, Unit};
use crate::base::DisclosureKeys;
use crate::change::Act;
use crate::database::is_one_of;
use crate::error::Result;
use crate::grant_detail::GrantDetail;
use crate::import::grants::{field, named, proposal};
use crate::initiative::publish::{self, Outcome, Written};
use crate::organisation::Found;
use crate::place::Gazetteer;
use wayin_records::finding::{Finding, FindingCode};
use wayin_records::formats::file_record::Cell;
use wayin_records::formats::grants::Grant;

/// What a batch of grants is taken in with.
pub(super) struct Taking<'a> {
    pub(super) act: &'a Act<'a>,
    pub(super) places: &'a Gazetteer,
    pub(super) keys: &'a DisclosureKeys,
    /// The funder whose grants they are; none where they may be anybody's.
    pub(super) funder: Option<&'a organisation::Model>,
    /// The licence of the file.
    pub(super) licence: &'a str,
}

impl Taking<'_> {
    /// Takes a batch in, in the caller's transaction.
    pub(super) async fn take(&self, db: &impl ConnectionTrait, units: Vec<(i64, Unit)>) -> Result<Taken> {
        let mut came = Vec::with_capacity(units.len());
        let (mut rows, mut proposals) = (Vec::new(), Vec::new());
        let owners = self.owners(db, &units).await?;
        for (position, unit) in units {
            match unit {
                Unit::Grant { at, grant, warnings } => match self.of_another(&grant, &owners) {
                    None => {
                        let mut warnings = warnings;
                        warnings.extend(self.unplaced(&at, &grant));
                        rows.push((position, at, warnings));
                        proposals.push(proposal(&grant, self.places, Some(self.licence)));
                    }
                    Some(finding) => {
                        came.push(Came::refused(
                            position,
                            at.clone(),
                            [(cell(&at, &finding), finding)],
                        ));
                    }
                },
                Unit::NoGrant(at, findings) => {
                    came.push(Came::refused(position, at, findings));
                }
                Unit::Record { .. } => {}
            }
        }
        let Written { outcomes, changes } =
            publish::write_all(db, self.act, self.places, self.keys, proposals).await?;
        for ((position, at, warnings), outcome) in rows.into_iter().zip(outcomes) {
            let warning = |(cell, finding)| Remark {
                cell,
                finding,
                is_warning: true,
            };
            let mut one = match outcome {
                Outcome::Published { id, warnings } | Outcome::Altered { id, warnings } => {
                    let warnings = warnings.into_iter();
                    let warnings = warnings.map(|finding| warning((cell(&at, &finding), finding)));
                    Came {
                        initiative: Some(id),
                        remarks: warnings.collect(),
                        ..Came::to(position, at, RowOutcome::Published)
                    }
                }
                Outcome::Unchanged { id } => Came {
                    initiative: Some(id),
                    ..Came::to(position, at, RowOutcome::Unchanged)
                },
                Outcome::Refused(findings) => {
                    let findings = findings.into_iter().map(|finding| (cell(&at, &finding), finding));
                    Came::refused(position, at.clone(), findings.collect::<Vec<_>>())
                }
            };
            one.remarks.extend(warnings.into_iter().map(warning));
            came.push(one);
        }
        came.sort_by_key(|one| one.position);
        Ok(Taken { came, changes })
    }

    /// Whose the grants of a batch are: by what they say, and by the terms that name them already.
    async fn owners(&self, db: &impl ConnectionTrait, units: &[(i64, Unit)]) -> Result<Owners> {
        if self.funder.is_none() {
            return Ok(Owners::default());
        }
        let grants = || {
            units.iter().filter_map(|(_, unit)| match unit {
                Unit::Grant { grant, .. } => Some(grant),
                _ => None,
            })
        };
        let references: Vec<_> = grants().map(|grant| named(&grant.funder, None)).collect();
        let standing: Vec<(Option<String>, Uuid)> = funding_term::Entity::find()
            .select_only()
            .columns([
                funding_term::Column::GrantIdentifier,
                funding_term::Column::FunderId,
            ])
            .filter(is_one_of(
                db,
                funding_term::Column::GrantIdentifier.into_expr(),
                grants().map(|grant| &grant.identifier),
            ))
            .into_tuple()
            .all(db)
            .await?;
        Ok(Owners {
            named: Found::look_up(db, references.iter()).await?,
            standing: standing
                .into_iter()
                .filter_map(|(grant, funder)| Some((grant?, funder)))
                .collect(),
        })
    }

    /// Warnings about the locations of a grant that no place of the base is found for.
    fn unplaced(&self, at: &Cell, grant: &Grant) -> Vec<(Cell, Finding)> {
        let detail = GrantDetail::of(grant);
        let unknown = detail.unknown(self.places).map(|(position, key)| {
            let path = format!("beneficiaryLocation/{position}/{}", key.field());
            let reason = format!("{key}; it is kept, and read again when places are added");
            let finding = Finding::new(FindingCode::NotFound, path, reason);
            (cell(at, &finding), finding)
        });
        unknown.collect()
    }

    /// Why a grant is not the funder's to send in.
    fn of_another(&self, grant: &Grant, owners: &Owners) -> Option<Finding> {
        let funder = self.funder?;
        if owners.named.id_of(&named(&grant.funder, None)) != Some(funder.id) {
            let reason = format!(
                "is {}, and not {}, for which you act",
                grant.funder.name, funder.name
            );
            return Some(Finding::new(
                FindingCode::NotAllowed,
                "fundingTerms/0/funder",
                reason,
            ));
        }
        let standing = owners.standing.get(&grant.identifier)?;
        (*standing != funder.id).then(|| {
            let reason = format!(
                "{} is known as a grant of another funder; whose it is is for a steward to decide",
                grant.identifier
            );
            Finding::new(FindingCode::NotAllowed, "fundingTerms/0/grantIdentifier", reason)
        })
    }
}

/// Whose grants are.
#[derive(Default)]
struct Owners {
    /// The organisations that they name as their funders.
    named: Found,
    /// The funders of the terms that name them already.
    standing: HashMap<String, Uuid>,
}

/// The field of the grant that a finding is about.
fn cell(at: &Cell, finding: &Finding) -> Cell {
    Cell {
        column: Some(field(&finding.path)).filter(|field| !field.is_empty()),
        ..at.clone()
    }
}
