//! Finds the organisation that somebody typed.

use serde::{Deserialize, Serialize};
use serde_json::json;
use wayin_entity::{Capability, Role};

use crate::pages::error::PageError;
use crate::pages::layout::parts::{Choice, FormProblems};
use crate::pages::operation::PageOperation;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

#[derive(Debug, Deserialize, Serialize)]
pub struct FindOrganisationsOperation {
    organisations: FoundOrganisations,
}

#[derive(Debug, Deserialize, Serialize)]
struct FoundOrganisations {
    nodes: Vec<FoundOrganisation>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct FoundOrganisation {
    pub id: String,
    pub name: String,
    pub identifier: Option<String>,
}

impl PageOperation for FindOrganisationsOperation {
    const DOCUMENT: &'static str = include_str!("organisations.graphql");
}

/// What to do if no organisation is found.
pub const NO_ORGANISATION: &str =
    "No organisation has this in its name. Enter another part of the name, or its identifier.";

/// The organisation that a form names.
#[derive(Debug, Default)]
pub struct ReadOrganisation {
    pub id: Option<String>,
    /// The organisations among which to choose. Empty if the name is enough.
    pub choices: Vec<Choice>,
}

/// What a typed name or identifier can mean.
#[derive(Debug, PartialEq, Eq)]
pub enum OrganisationMatch {
    None,
    One(FoundOrganisation),
    /// At most 20.
    Several(Vec<FoundOrganisation>),
}

impl FoundOrganisation {
    /// The name, with the identifier that distinguishes it from others of that name.
    pub fn label(&self) -> String {
        match &self.identifier {
            Some(identifier) => format!("{} ({identifier})", self.name),
            None => self.name.clone(),
        }
    }

    fn is_named(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.name.to_lowercase() == text
            || self
                .identifier
                .as_ref()
                .is_some_and(|identifier| identifier.to_lowercase() == text)
    }
}

/// Finds the organisations whose name contains a text, or whose identifier it is.
pub async fn find_organisations(
    service: &PageService,
    visitor: &Visitor,
    text: &str,
) -> Result<OrganisationMatch, PageError> {
    let text = text.trim();
    let filter = json!({"or": [{"name": {"contains": text}}, {"identifier": {"eq": text}}]});
    let found: FindOrganisationsOperation = service.execute(visitor, json!({ "filter": filter })).await?;
    Ok(choose_match(found.organisations.nodes, text))
}

/// Reads the fields `organisation` and `organisation_id` of a form: what was typed, and the id if somebody had to choose among
/// several. A role that acts for an organisation needs one. What is wrong is added to the problems.
pub async fn read_organisation(
    service: &PageService,
    visitor: &Visitor,
    (typed, id): (&str, &str),
    role: Option<Role>,
    problems: &mut FormProblems,
) -> Result<ReadOrganisation, PageError> {
    if !id.is_empty() {
        return Ok(ReadOrganisation {
            id: Some(id.to_owned()),
            choices: Vec::new(),
        });
    }
    if typed.trim().is_empty() {
        if role.is_some_and(|role| role.can(Capability::ActForOrganisation)) {
            problems.push("organisation", "Enter the organisation that the person acts for.");
        }
        return Ok(ReadOrganisation::default());
    }
    Ok(match find_organisations(service, visitor, typed).await? {
        OrganisationMatch::One(found) => ReadOrganisation {
            id: Some(found.id),
            choices: Vec::new(),
        },
        OrganisationMatch::None => {
            problems.push("organisation", NO_ORGANISATION);
            ReadOrganisation::default()
        }
        OrganisationMatch::Several(found) => {
            problems.push("organisation_id", "Choose which organisation you mean.");
            let choice = |found: FoundOrganisation| Choice::new(found.id.clone(), found.label(), false);
            ReadOrganisation {
                id: None,
                choices: found.into_iter().map(choice).collect(),
            }
        }
    })
}

fn choose_match(mut found: Vec<FoundOrganisation>, text: &str) -> OrganisationMatch {
    let exact: Vec<usize> = (0..found.len())
        .filter(|index| found[*index].is_named(text))
        .collect();
    match (found.len(), exact.as_slice()) {
        (0, _) => OrganisationMatch::None,
        (1, _) => OrganisationMatch::One(found.swap_remove(0)),
        (_, [only]) => OrganisationMatch::One(found.swap_remove(*only)),
        _ => OrganisationMatch::Several(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organisation(name: &str) -> FoundOrganisation {
        FoundOrganisation {
            id: name.into(),
            name: name.into(),
            identifier: Some(format!("GB-{name}")),
        }
    }

    #[test]
    fn whole_name_is_preferred_to_a_part() {
        let both = || vec![organisation("Food network"), organisation("Food")];
        let found = |text| choose_match(both(), text);
        assert_eq!(found("food"), OrganisationMatch::One(organisation("Food")));
        assert_eq!(found("gb-food"), OrganisationMatch::One(organisation("Food")));
        assert_eq!(found("foo"), OrganisationMatch::Several(both()));
        assert_eq!(choose_match(Vec::new(), "x"), OrganisationMatch::None);
        assert_eq!(
            choose_match(vec![organisation("Food")], "fo"),
            OrganisationMatch::One(organisation("Food"))
        );
    }
}
