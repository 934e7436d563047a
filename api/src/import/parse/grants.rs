//! Grants in the 360Giving Data Standard, as a JSON package or as CSV.
//!
//! Only what [`Grant`] holds is read: no address, telephone number, e-mail
//! address or other detail of a person ever leaves the file, and a grant to a
//! person is refused. Where the standard allows a list of recipients, funders,
//! programmes or planned dates, the first of them is taken.
//!
//! The standard asks for a description; real files leave it out, and so it may
//! be missing here. Titles, descriptions, names and programmes that are longer
//! than a base holds are cut at a word and end in an ellipsis.

mod package;
mod sheet;

use std::fmt::Write as _;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wayin_entity::{DeliveryTimeline, EntryPoint, ReportingBasis, ReportingFrequency, Restriction};

use super::stream;
use super::{FileError, Refusals, Row};
use crate::initiative::missing::{FundingTermAnswer, Missing};
use crate::money::{self, Amount};
use crate::written::{self, quoted};

/// The most characters of a title or of a programme's.
const LONGEST_TITLE: usize = 300;
/// The most characters of a description.
const LONGEST_DESCRIPTION: usize = 10_000;
/// The most characters of an organisation's or a place's name.
const LONGEST_NAME: usize = 200;
/// The most characters of an identifier or a code.
const LONGEST_IDENTIFIER: usize = 200;
/// The most characters of a web address.
const LONGEST_ADDRESS: usize = 2_000;

/// One grant as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The 360Giving grant identifier, at most 200 characters.
    pub identifier: String,
    /// The title, at most 300 characters.
    pub title: String,
    /// What the grant is for, at most 10,000 characters.
    pub description: Option<String>,
    /// The ISO 4217 code of the money, in upper case.
    pub currency: String,
    /// The amount awarded, in the currency's minor unit.
    pub amount_minor: i64,
    /// The day of the decision.
    pub awarded_on: NaiveDate,
    /// The planned first day.
    pub starts_on: Option<NaiveDate>,
    /// The planned last day, not before the first.
    pub ends_on: Option<NaiveDate>,
    /// The planned length in whole months as given, 1 to 1,200.
    pub duration_months: Option<i32>,
    /// The funder's programme, at most 300 characters.
    pub programme: Option<String>,
    /// Who received the grant.
    pub recipient: Party,
    /// Who gave it.
    pub funder: Party,
    /// Where those live whom it is for; each has a name, a code or both.
    pub locations: Vec<Location>,
    /// The web address that the grant says it comes from.
    pub data_source: Option<String>,
    /// What it says of its terms beyond the standard, as Wayin's own exports do.
    pub own: Option<OwnTerms>,
}

/// The terms that the standard has no field for, as they stand in a grant's object `wayin`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct OwnTerms {
    /// The entry point that the funder meant to fund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intended_focus: Option<EntryPoint>,
    /// Whether research before the work was paid for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upfront_research: Option<bool>,
    /// How many months of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upfront_research_months: Option<i32>,
    /// Whether the extra time and resource of working together was paid for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collaboration_resourced: Option<bool>,
    /// Whether the money may be used for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restriction: Option<Restriction>,
    /// How often the funder asks for a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reporting_frequency: Option<ReportingFrequency>,
    /// What is reported on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reporting_basis: Option<ReportingBasis>,
    /// Whether the plan may move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_timeline: Option<DeliveryTimeline>,
    /// Whether the funding may be renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewable: Option<bool>,
    /// Why answers of the term are missing, those that the standard has a field for among them.
    #[serde(skip_serializing_if = "Missing::is_empty")]
    pub missing: Missing<FundingTermAnswer>,
}

/// An organisation that takes part in a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The org-id identifier, at most 200 characters.
    pub identifier: Option<String>,
    /// The name, at most 200 characters.
    pub name: String,
}

/// A beneficiary location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The name, at most 200 characters.
    pub name: Option<String>,
    /// The geographic code in upper case, most often a GSS code.
    pub code: Option<String>,
}

/// What a JSON package says about itself. A CSV file says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageInfo {
    /// The licence that the data may be reused under, as a rule a web address.
    pub license: Option<String>,
    /// The title of the package.
    pub title: Option<String>,
    /// The publisher's name.
    pub publisher: Option<String>,
    /// The web address at which the file can be downloaded.
    pub download_url: Option<String>,
}

/// The two forms that grants are published in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantFormat {
    /// A package: an object with a list `grants`, or that list alone.
    Json,
    /// A table with the standard's titles or its JSON paths as header.
    Csv,
}

impl GrantFormat {
    /// The form of a file, by its first bytes (some hundred will do) and, where
    /// those leave it open, by its name.
    pub fn of(path: &Path, start: &[u8]) -> Result<Self, FileError> {
        stream::refuse_other_than_text(start)?;
        let is_named_json = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        Ok(match stream::first_of_substance(start) {
            Some(b'{' | b'[') => Self::Json,
            _ if is_named_json => Self::Json,
            _ => Self::Csv,
        })
    }
}

/// Reads grants and hands each row to `each`, which may end the reading early:
/// in JSON with its position in the list, in CSV with its line.
///
/// Answers with what the package says about itself, as far as it was read; that
/// may stand behind the grants, so that [`about`] exists for those who need it first.
/// Refuses the file whole where it is not valid, holds no list of grants, or
/// has no column for something that every grant must have.
pub fn read(
    input: impl Read,
    format: GrantFormat,
    each: impl FnMut(u64, Row<Grant>) -> ControlFlow<()>,
) -> Result<PackageInfo, FileError> {
    match format {
        GrantFormat::Json => package::read(input, each),
        GrantFormat::Csv => sheet::read(input, each).map(|()| PackageInfo::default()),
    }
}

/// Reads only what the package says about itself, passing over its grants.
pub fn about(input: impl Read, format: GrantFormat) -> Result<PackageInfo, FileError> {
    match format {
        GrantFormat::Json => package::about(input),
        GrantFormat::Csv => Ok(PackageInfo::default()),
    }
}

impl Grant {
    /// The SHA-256 of all that was read, in hexadecimal: the same for the same
    /// grant in JSON and in CSV, and another as soon as any part differs.
    pub fn digest(&self) -> String {
        let Self {
            identifier,
            title,
            description,
            currency,
            amount_minor,
            awarded_on,
            starts_on,
            ends_on,
            duration_months,
            programme,
            recipient,
            funder,
            locations,
            data_source,
            own,
        } = self;
        let mut parts = vec![
            Some(identifier.clone()),
            Some(title.clone()),
            description.clone(),
            Some(currency.clone()),
            Some(amount_minor.to_string()),
            Some(awarded_on.to_string()),
            starts_on.map(|date| date.to_string()),
            ends_on.map(|date| date.to_string()),
            duration_months.map(|months| months.to_string()),
            programme.clone(),
            data_source.clone(),
        ];
        for party in [recipient, funder] {
            parts.extend([party.identifier.clone(), Some(party.name.clone())]);
        }
        for location in locations {
            parts.extend([location.name.clone(), location.code.clone()]);
        }
        // Only where there is any, so that other grants are known again as before.
        parts.extend(own.as_ref().map(|own| serde_json::to_string(own).ok()));
        let mut hash = Sha256::new();
        for part in parts {
            // The length before each part keeps neighbours from running together.
            match part {
                Some(part) => {
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part);
                }
                None => hash.update(u64::MAX.to_be_bytes()),
            }
        }
        let bytes = hash.finalize();
        bytes.iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string does not fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// What stands in one field, before it is known to make sense.
#[derive(Clone, Debug, Default)]
enum Given {
    #[default]
    Nothing,
    /// Text, or a number in the file's own digits.
    Text(String),
    /// Something else, as one would call it.
    Other(&'static str),
}

impl Given {
    /// The text, if there is any; a refusal where something else stands.
    fn text(&self) -> Result<Option<&str>, String> {
        let is_visible = |c: char| !c.is_whitespace() && !c.is_control();
        match self {
            Self::Nothing => Ok(None),
            Self::Text(text) => Ok(Some(text.as_str()).filter(|text| text.contains(is_visible))),
            Self::Other(what) => Err(format!("is {what}, where text or a number belongs")),
        }
    }
}

/// A row's fields as either form gives them.
#[derive(Debug, Default)]
struct Draft {
    id: Given,
    title: Given,
    description: Given,
    currency: Given,
    amount: Given,
    awarded_on: Given,
    starts_on: Given,
    ends_on: Given,
    duration: Given,
    programme: Given,
    recipient_id: Given,
    recipient_name: Given,
    funder_id: Given,
    funder_name: Given,
    data_source: Given,
    locations: Vec<DraftLocation>,
    own: Option<OwnTerms>,
    /// Whether the recipient is a person.
    to_person: bool,
}

#[derive(Debug, Default)]
struct DraftLocation {
    name: Given,
    code: Given,
}

/// The paths of the fields that are read, as JSON has them.
mod path {
    pub(super) const ID: &str = "id";
    pub(super) const TITLE: &str = "title";
    pub(super) const DESCRIPTION: &str = "description";
    pub(super) const CURRENCY: &str = "currency";
    pub(super) const AMOUNT: &str = "amountAwarded";
    pub(super) const AWARDED_ON: &str = "awardDate";
    pub(super) const STARTS_ON: &str = "plannedDates/0/startDate";
    pub(super) const ENDS_ON: &str = "plannedDates/0/endDate";
    pub(super) const DURATION: &str = "plannedDates/0/duration";
    pub(super) const PROGRAMME: &str = "grantProgramme/0/title";
    pub(super) const RECIPIENT_ID: &str = "recipientOrganization/0/id";
    pub(super) const RECIPIENT_NAME: &str = "recipientOrganization/0/name";
    pub(super) const FUNDER_ID: &str = "fundingOrganization/0/id";
    pub(super) const FUNDER_NAME: &str = "fundingOrganization/0/name";
    pub(super) const DATA_SOURCE: &str = "dataSource";
    pub(super) const PERSON: &str = "recipientIndividual";
    pub(super) const LOCATIONS: &str = "beneficiaryLocation";
}

impl Draft {
    /// The grant, or all that is wrong with it beside what is found already.
    fn check(self, mut found: Refusals) -> Row<Grant> {
        if self.to_person {
            // Nothing else of a person's grant is looked at, or repeated.
            let mut alone = Refusals::of(found.row);
            let reason = "the grant is to a person, and Wayin keeps no personal data";
            alone.add(path::PERSON, reason);
            return alone.finish(None);
        }
        let identifier = found.required(path::ID, &self.id, uncut);
        let title = found.required(path::TITLE, &self.title, line::<LONGEST_TITLE>);
        let description = found.optional(path::DESCRIPTION, &self.description, description);
        let currency = found.required(path::CURRENCY, &self.currency, money::currency);
        let amount = found.required(path::AMOUNT, &self.amount, Amount::parse);
        let amount_minor = amount
            .zip(currency.as_ref())
            .and_then(|(amount, currency)| found.check(path::AMOUNT, amount.minor_units(currency)));
        let awarded_on = found.required(path::AWARDED_ON, &self.awarded_on, written::date);
        let starts_on = found.optional(path::STARTS_ON, &self.starts_on, written::date);
        let ends_on = found.optional(path::ENDS_ON, &self.ends_on, written::date);
        if let (Some(start), Some(end)) = (starts_on, ends_on)
            && end < start
        {
            found.add(path::ENDS_ON, format!("{end} is before the start, {start}"));
        }
        let duration_months = found.optional(path::DURATION, &self.duration, money::months);
        let programme = found.optional(path::PROGRAMME, &self.programme, line::<LONGEST_TITLE>);
        let recipient = found.party(
            (path::RECIPIENT_ID, &self.recipient_id),
            (path::RECIPIENT_NAME, &self.recipient_name),
        );
        let funder = found.party(
            (path::FUNDER_ID, &self.funder_id),
            (path::FUNDER_NAME, &self.funder_name),
        );
        let mut locations = Vec::with_capacity(self.locations.len());
        for (position, location) in self.locations.iter().enumerate() {
            let list = path::LOCATIONS;
            let name = format!("{list}/{position}/name");
            let name = found.optional(&name, &location.name, line::<LONGEST_NAME>);
            let code = format!("{list}/{position}/geoCode");
            let code = found.optional(&code, &location.code, uncut);
            if name.is_some() || code.is_some() {
                let code = code.map(|code| code.to_ascii_uppercase());
                locations.push(Location { name, code });
            }
        }
        let data_source = found.optional(path::DATA_SOURCE, &self.data_source, |text| Ok(web_address(text)));
        let own = self.own;
        let whole = || {
            Some(Grant {
                identifier: identifier?,
                title: title?,
                description,
                currency: currency?,
                amount_minor: amount_minor?,
                awarded_on: awarded_on?,
                starts_on,
                ends_on,
                duration_months,
                programme,
                recipient: recipient?,
                funder: funder?,
                locations,
                data_source: data_source.flatten(),
                own,
            })
        };
        found.finish(whole())
    }
}

impl Refusals {
    /// The field as `parse` reads it; nothing where it is blank, or wrong and now among the refusals.
    fn optional<'a, T>(
        &mut self,
        path: &str,
        given: &'a Given,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.check(path, given.text())??;
        self.check(path, parse(text))
    }

    /// Likewise, of a field that must not be blank.
    fn required<'a, T>(
        &mut self,
        path: &str,
        given: &'a Given,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        let text = given.text().and_then(|text| text.ok_or("is missing".into()));
        let text = self.check(path, text)?;
        self.check(path, parse(text))
    }

    fn party(&mut self, id: (&str, &Given), name: (&str, &Given)) -> Option<Party> {
        let identifier = self.optional(id.0, id.1, uncut);
        let name = self.required(name.0, name.1, line::<LONGEST_NAME>)?;
        Some(Party { identifier, name })
    }
}

fn line<const LONGEST: usize>(text: &str) -> Result<String, String> {
    let line = written::line(text).ok_or("is missing")?;
    Ok(written::cut(line, LONGEST))
}

fn description(text: &str) -> Result<String, String> {
    let description = written::paragraphs(text).ok_or("is missing")?;
    Ok(written::cut(description, LONGEST_DESCRIPTION))
}

/// An identifier is never cut: half of one names something else.
fn uncut(text: &str) -> Result<String, String> {
    let identifier = written::line(text).ok_or("is missing")?;
    if identifier.chars().count() > LONGEST_IDENTIFIER {
        return Err(format!(
            "{} is over {LONGEST_IDENTIFIER} characters long",
            quoted(&identifier)
        ));
    }
    Ok(identifier)
}

/// The text, where it is an address on the web that a page may link to. Anything
/// else (a note, an e-mail address) says nothing about the grant and is passed over.
fn web_address(text: &str) -> Option<String> {
    let address = text.trim();
    let scheme = address.split_once("://")?.0;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_plain = !address.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@');
    (is_web && is_plain && address.len() <= LONGEST_ADDRESS).then(|| address.to_owned())
}

#[cfg(test)]
mod tests;
