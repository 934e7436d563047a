//! A naive implementation of `docs/access.md`, record by record and without the code of the
//! product.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wayin_entity::Role;

use crate::support::oracle::evaluator::{World, as_list};

/// How much of a record a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NaiveVisibility {
    /// Nothing.
    Nothing,
    /// Title, place and the terms of the own money.
    Part,
    /// Everything.
    Whole,
}

/// A requester.
#[derive(Clone, Copy, Debug)]
pub struct NaiveReader {
    /// The role; none for somebody without a token.
    pub role: Option<Role>,
    /// The name of the organisation that they act for.
    pub organisation: Option<&'static str>,
}

/// A record as it was sent, and what became of it.
#[derive(Clone, Debug)]
pub struct SentRecord {
    /// The record.
    pub record: Value,
    /// Whether it was withdrawn since.
    pub withdrawn: bool,
}

/// Of what a text that nobody else may see is.
#[derive(Clone, Debug)]
pub enum SecretOwner {
    /// Of a record (by its number): its title.
    Title(usize),
    /// The rest of it.
    Rest(usize),
    /// One of its funding terms, with who gave the money.
    Term(usize, &'static str),
    /// A version of it that stands no more.
    History(usize),
    /// A submission of an organisation.
    Submission(&'static str),
    /// A file of an organisation, and the role that sends such files.
    Import(&'static str, Role),
    /// A member.
    Member,
}

/// The content of a database.
pub struct VisibleWorld {
    /// The reference data.
    pub world: World,
    /// The records.
    pub records: Vec<SentRecord>,
    /// Each text that somebody may not see.
    pub secrets: BTreeMap<String, SecretOwner>,
}

fn is_lead(who: NaiveReader, sent: &SentRecord) -> bool {
    who.organisation
        .is_some_and(|own| sent.record["leadOrganisation"]["name"] == own)
}

fn list_funders(sent: &SentRecord) -> impl Iterator<Item = &str> {
    let terms = as_list(&sent.record["fundingTerms"]).iter();
    terms.map(|term| term["funder"]["name"].as_str().unwrap())
}

/// How much of a record a reader sees.
pub fn visibility_for(who: NaiveReader, sent: &SentRecord) -> NaiveVisibility {
    let Some(role) = who.role else {
        return NaiveVisibility::Nothing;
    };
    if sent.withdrawn {
        return NaiveVisibility::Nothing;
    }
    if role == Role::Steward || sent.record["visibility"] == "OPEN" {
        return NaiveVisibility::Whole;
    }
    if role == Role::Dashboard {
        return NaiveVisibility::Nothing;
    }
    let funds = list_funders(sent).any(|funder| who.organisation == Some(funder));
    let shared = sent.record["sharedWithFunders"] == true;
    if sent.record["visibility"] == "MEMBERS" || is_lead(who, sent) || (funds && shared) {
        NaiveVisibility::Whole
    } else if funds {
        NaiveVisibility::Part
    } else {
        NaiveVisibility::Nothing
    }
}

/// Whether a filter looks at no more than what a part of a record shows.
pub fn is_limited_to_partly_visible_fields(filter: &Value) -> bool {
    let mut parts = filter.as_object().unwrap().iter();
    parts.all(|(field, part)| match field.as_str() {
        "title" | "place" | "id" => true,
        "and" | "or" => as_list(part).iter().all(is_limited_to_partly_visible_fields),
        "not" => is_limited_to_partly_visible_fields(part),
        _ => false,
    })
}

impl VisibleWorld {
    /// Whether somebody may know of an organisation, by its name.
    pub fn can_know_organisation(&self, who: NaiveReader, organisation: &str) -> bool {
        who.role == Some(Role::Steward)
            || who.organisation == Some(organisation)
            || self
                .records
                .iter()
                .filter(|sent| visibility_for(who, sent) == NaiveVisibility::Whole)
                .any(|sent| {
                    sent.record["leadOrganisation"]["name"] == organisation
                        || list_funders(sent).any(|funder| funder == organisation)
                })
    }

    /// Whether somebody may see a text.
    pub fn can_view_secret(&self, who: NaiveReader, of: &SecretOwner) -> bool {
        let steward = who.role == Some(Role::Steward);
        let how_much = |record: &usize| visibility_for(who, &self.records[*record]);
        let own_history =
            |record: &usize| who.role == Some(Role::Partner) && is_lead(who, &self.records[*record]);
        match of {
            SecretOwner::Title(record) => {
                how_much(record) != NaiveVisibility::Nothing || steward || own_history(record)
            }
            SecretOwner::Rest(record) => {
                how_much(record) == NaiveVisibility::Whole || steward || own_history(record)
            }
            SecretOwner::Term(record, funder) => {
                let own = who.organisation == Some(*funder) && how_much(record) == NaiveVisibility::Part;
                own || how_much(record) == NaiveVisibility::Whole || steward || own_history(record)
            }
            SecretOwner::History(record) => steward || own_history(record),
            SecretOwner::Submission(organisation) => {
                steward || (who.role == Some(Role::Partner) && who.organisation == Some(*organisation))
            }
            SecretOwner::Import(organisation, role) => {
                steward || (who.role == Some(*role) && who.organisation == Some(*organisation))
            }
            SecretOwner::Member => steward,
        }
    }

    /// The numbers of the records that somebody is listed under a filter.
    pub fn list_visible(
        &self,
        who: NaiveReader,
        filter: &Value,
        order_shows_a_part: bool,
    ) -> BTreeSet<usize> {
        let parts_too = order_shows_a_part && is_limited_to_partly_visible_fields(filter);
        let numbered = self.records.iter().enumerate();
        numbered
            .filter(|(_, sent)| match visibility_for(who, sent) {
                NaiveVisibility::Whole => true,
                NaiveVisibility::Part => parts_too,
                NaiveVisibility::Nothing => false,
            })
            .filter(|(_, sent)| self.world.evaluate(filter, &sent.record) == Some(true))
            .map(|(number, _)| number)
            .collect()
    }

    /// What somebody may not see of what stands in a text, but for what they wrote themselves.
    pub fn find_leaks(&self, who: NaiveReader, output: &str, written: &str) -> Vec<String> {
        let of_texts = find_secrets(output)
            .difference(&find_secrets(written))
            .cloned()
            .collect::<Vec<_>>();
        let mut leaked: Vec<String> = of_texts
            .into_iter()
            .filter(|mark| {
                self.secrets
                    .get(mark)
                    .is_none_or(|of| !self.can_view_secret(who, of))
            })
            .map(|mark| format!("{mark}: {:?}", self.secrets.get(&mark)))
            .collect();
        let written = written.to_lowercase();
        let names = self
            .world
            .organisations
            .keys()
            .filter(|name| output.contains(**name));
        leaked.extend(
            names
                .filter(|name| {
                    !written.contains(&name.to_lowercase()) && !self.can_know_organisation(who, name)
                })
                .map(|name| format!("the organisation {name}")),
        );
        leaked
    }
}

/// What every secret text holds before its number.
pub const SECRET_PREFIX: &str = "zq";
/// How many figures its number has.
pub const SECRET_DIGITS: usize = 6;

/// Every mark in a text.
pub fn find_secrets(text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase();
    let found = text.match_indices(SECRET_PREFIX).filter_map(|(at, _)| {
        let mark = text.get(at..at + SECRET_PREFIX.len() + SECRET_DIGITS)?;
        let number = &mark[SECRET_PREFIX.len()..];
        number
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| mark.to_owned())
    });
    found.collect()
}
