//! Who may see what, as `docs/access.md` says it, worked out record by record: plainly, and with nothing of the
//! product's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wayin_entity::Role;

use crate::support::oracle::evaluator::{World, list};

/// How much of a record somebody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Not that it is there.
    Nothing,
    /// Title, place and the terms of the own money.
    Part,
    /// All of it.
    Whole,
}

/// Somebody who asks.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    /// The role; none for somebody without a token.
    pub role: Option<Role>,
    /// The name of the organisation that they act for.
    pub organisation: Option<&'static str>,
}

/// A record as it was sent, and what became of it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The record.
    pub record: Value,
    /// Whether it was withdrawn since.
    pub withdrawn: bool,
}

/// Of what a text that nobody else may see is.
#[derive(Clone, Debug)]
pub enum Of {
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

/// Everything that there is to see.
pub struct Seen {
    /// What is known beside the records.
    pub world: World,
    /// The records.
    pub records: Vec<Sent>,
    /// Each text that somebody may not see.
    pub secrets: BTreeMap<String, Of>,
}

fn leads(who: Who, sent: &Sent) -> bool {
    who.organisation
        .is_some_and(|own| sent.record["leadOrganisation"]["name"] == own)
}

fn funders(sent: &Sent) -> impl Iterator<Item = &str> {
    let terms = list(&sent.record["fundingTerms"]).iter();
    terms.map(|term| term["funder"]["name"].as_str().unwrap())
}

/// How much of a record somebody reads.
pub fn reads(who: Who, sent: &Sent) -> Reads {
    let Some(role) = who.role else {
        return Reads::Nothing;
    };
    if sent.withdrawn {
        return Reads::Nothing;
    }
    if role == Role::Steward || sent.record["visibility"] == "OPEN" {
        return Reads::Whole;
    }
    if role == Role::Dashboard {
        return Reads::Nothing;
    }
    let funds = funders(sent).any(|funder| who.organisation == Some(funder));
    let shared = sent.record["sharedWithFunders"] == true;
    if sent.record["visibility"] == "MEMBERS" || leads(who, sent) || (funds && shared) {
        Reads::Whole
    } else if funds {
        Reads::Part
    } else {
        Reads::Nothing
    }
}

/// Whether a filter looks at no more than what a part of a record shows.
pub fn looks_at_a_part(filter: &Value) -> bool {
    let mut parts = filter.as_object().unwrap().iter();
    parts.all(|(field, part)| match field.as_str() {
        "title" | "place" | "id" => true,
        "and" | "or" => list(part).iter().all(looks_at_a_part),
        "not" => looks_at_a_part(part),
        _ => false,
    })
}

impl Seen {
    /// Whether somebody may know of an organisation, by its name.
    pub fn knows(&self, who: Who, organisation: &str) -> bool {
        who.role == Some(Role::Steward)
            || who.organisation == Some(organisation)
            || self
                .records
                .iter()
                .filter(|sent| reads(who, sent) == Reads::Whole)
                .any(|sent| {
                    sent.record["leadOrganisation"]["name"] == organisation
                        || funders(sent).any(|funder| funder == organisation)
                })
    }

    /// Whether somebody may see a text.
    pub fn may_see(&self, who: Who, of: &Of) -> bool {
        let steward = who.role == Some(Role::Steward);
        let how_much = |record: &usize| reads(who, &self.records[*record]);
        let own_history =
            |record: &usize| who.role == Some(Role::Partner) && leads(who, &self.records[*record]);
        match of {
            Of::Title(record) => how_much(record) != Reads::Nothing || steward || own_history(record),
            Of::Rest(record) => how_much(record) == Reads::Whole || steward || own_history(record),
            Of::Term(record, funder) => {
                let own = who.organisation == Some(*funder) && how_much(record) == Reads::Part;
                own || how_much(record) == Reads::Whole || steward || own_history(record)
            }
            Of::History(record) => steward || own_history(record),
            Of::Submission(organisation) => {
                steward || (who.role == Some(Role::Partner) && who.organisation == Some(*organisation))
            }
            Of::Import(organisation, role) => {
                steward || (who.role == Some(*role) && who.organisation == Some(*organisation))
            }
            Of::Member => steward,
        }
    }

    /// The numbers of the records that somebody is listed under a filter.
    pub fn listed(&self, who: Who, filter: &Value, order_shows_a_part: bool) -> BTreeSet<usize> {
        let parts_too = order_shows_a_part && looks_at_a_part(filter);
        let numbered = self.records.iter().enumerate();
        numbered
            .filter(|(_, sent)| match reads(who, sent) {
                Reads::Whole => true,
                Reads::Part => parts_too,
                Reads::Nothing => false,
            })
            .filter(|(_, sent)| self.world.holds(filter, &sent.record) == Some(true))
            .map(|(number, _)| number)
            .collect()
    }

    /// What somebody may not see of what stands in a text, but for what they wrote themselves.
    pub fn leaked(&self, who: Who, told: &str, written: &str) -> Vec<String> {
        let of_texts = marks(told)
            .difference(&marks(written))
            .cloned()
            .collect::<Vec<_>>();
        let mut leaked: Vec<String> = of_texts
            .into_iter()
            .filter(|mark| self.secrets.get(mark).is_none_or(|of| !self.may_see(who, of)))
            .map(|mark| format!("{mark}: {:?}", self.secrets.get(&mark)))
            .collect();
        let written = written.to_lowercase();
        let names = self
            .world
            .organisations
            .keys()
            .filter(|name| told.contains(**name));
        leaked.extend(
            names
                .filter(|name| !written.contains(&name.to_lowercase()) && !self.knows(who, name))
                .map(|name| format!("the organisation {name}")),
        );
        leaked
    }
}

/// What every secret text holds before its number.
pub const MARK: &str = "zq";
/// How many figures its number has.
pub const FIGURES: usize = 6;

/// Every mark in a text.
pub fn marks(text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase();
    let found = text.match_indices(MARK).filter_map(|(at, _)| {
        let mark = text.get(at..at + MARK.len() + FIGURES)?;
        let number = &mark[MARK.len()..];
        number
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| mark.to_owned())
    });
    found.collect()
}
