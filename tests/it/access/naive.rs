//! A naive implementation of `docs/access.md`, record by record, without the code of the product.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wayin_entity::Role;

use crate::support::oracle::evaluator::{World, as_list};

/// How much of a record a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NaiveVisibility {
    /// Nothing.
    Nothing,
    /// The title, the place and the reader's own funding terms.
    Part,
    /// Everything.
    Whole,
}

/// A member, or a client without a token.
#[derive(Clone, Copy, Debug)]
pub struct NaiveReader {
    /// The role. None for a client without a token.
    pub role: Option<Role>,
    /// The name of the organisation that the member acts for.
    pub organisation: Option<&'static str>,
}

/// A record that was published.
#[derive(Clone, Debug)]
pub struct SentRecord {
    pub record: Value,
    /// Whether the record is withdrawn.
    pub withdrawn: bool,
}

/// What a hidden text belongs to. Records are given by their number.
#[derive(Clone, Debug)]
pub enum SecretOwner {
    /// The title of a record.
    Title(usize),
    /// Another part of a record.
    Rest(usize),
    /// A funding term of a record, with its funder.
    Term(usize, &'static str),
    /// An earlier version of a record.
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
    pub world: World,
    pub records: Vec<SentRecord>,
    /// Each text that not everybody can see, with what it belongs to.
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

/// Whether a filter reads only fields that partly visible records show.
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
    /// Whether a reader can know of an organisation, given by its name.
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

    /// Whether a reader can see a text.
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

    /// The numbers of the records that a list with a filter contains for a reader.
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

    /// The marks in a response that the reader cannot see, except those in the reader's own query.
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

/// The prefix of every mark.
pub const SECRET_PREFIX: &str = "zq";
/// The number of digits in a mark.
pub const SECRET_DIGITS: usize = 6;

/// Finds every mark in a text.
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
