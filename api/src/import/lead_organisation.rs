//! The identities of the organisations that lead the records of a file.

use std::collections::HashMap;

use sea_orm::DatabaseConnection;
use uuid::Uuid;

use crate::error::Result;
use crate::organisation::OrganisationLookup;
use wayin_records::normalisation::fold_name;
use wayin_records::record::OrganisationReference;

/// The identity of an organisation in a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum LeadIdentity {
    /// The id of an organisation in the database.
    Known(Uuid),
    /// The identifier of a new organisation.
    Identified(String),
    /// The folded name, if any, of a new organisation without an identifier.
    Named(Option<String>),
}

/// Identifies the organisations in a file. Two organisations have equal identities if publication would treat them as
/// the same one.
pub(super) async fn identify_leads(
    db: &DatabaseConnection,
    organisations: &[OrganisationReference],
) -> Result<Vec<LeadIdentity>> {
    let found = OrganisationLookup::load(db, organisations.iter()).await?;
    let folded = |one: &OrganisationReference| one.name.as_deref().map(fold_name);
    // Publication creates the organisation with the identifier, and then finds the one without by its name.
    let mut identified = HashMap::new();
    for one in organisations.iter().filter(|one| found.find_id(one).is_none()) {
        if let (Some(identifier), Some(name)) = (&one.identifier, folded(one)) {
            identified.entry(name).or_insert(identifier);
        }
    }
    let identity = |one: &OrganisationReference| match (found.find_id(one), &one.identifier) {
        (Some(id), _) => LeadIdentity::Known(id),
        (None, Some(identifier)) => LeadIdentity::Identified(identifier.clone()),
        (None, None) => {
            let name = folded(one);
            let identifier = name.as_ref().and_then(|name| identified.get(name));
            identifier.map_or(LeadIdentity::Named(name), |one| {
                LeadIdentity::Identified((*one).clone())
            })
        }
    };
    Ok(organisations.iter().map(identity).collect())
}
