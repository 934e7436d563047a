//! Grants in the 360Giving Data Standard, as a JSON package, as CSV or as a workbook.
//!
//! Only what [`Grant`] holds is read: no address, telephone number, e-mail
//! address or other detail of a person ever leaves the file, and a grant to a
//! person is refused. Where the standard allows a list of recipients, funders,
//! programmes or planned dates, the first of them is taken.
//!
//! A grant must have what it is known by: its identifier, its title, and the names
//! of its recipient and its funder. Everything else may be missing. A value that
//! cannot be held is left out, and the row has a warning with the value in it; an
//! amount with more decimals than its currency has is rounded, half away from zero.
//! Titles, descriptions, names and programmes that are longer than a base holds are
//! cut at a word and end in an ellipsis.

mod package;
mod sheet;
mod workbook;

use std::fmt::Write as _;
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wayin_entity::{DeliveryTimeline, EntryPoint, ReportingBasis, ReportingFrequency, Restriction};

use super::file_record::Cell;
use super::records::{Limits, RecordFormat};
use super::stream;
use super::{FileError, Notes, Refusals, Row};
use crate::initiative::missing::{FundingTermAnswer, Missing};
use crate::money::{self, Amount, DecimalSign, Rounded};
use crate::written::{self, WrittenDate, quoted};

/// The most characters of a title or of a programme's.
const LONGEST_TITLE: usize = 300;
/// The most characters of a description.
const LONGEST_DESCRIPTION: usize = 10_000;
/// The most characters of an organisation's or a place's name.
const LONGEST_NAME: usize = 200;
/// The most characters of an identifier or a code.
const LONGEST_IDENTIFIER: usize = 200;
/// The most characters of an organisation's identifier.
const LONGEST_ORGANISATION_IDENTIFIER: usize = 100;
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
    pub currency: Option<String>,
    /// The amount awarded, in the currency's minor unit.
    pub amount_minor: Option<i64>,
    /// The day of the decision.
    pub awarded_on: Option<NaiveDate>,
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
    /// The org-id identifier, at most 100 characters.
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

/// What a JSON package says about itself. Tables and workbooks say nothing.
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

/// The forms that grants are published in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantFormat {
    /// A package: an object with a list `grants`, or that list alone.
    Json,
    /// A table with the standard's titles or its JSON paths as header.
    Csv,
    /// A workbook of Excel's kind, whose sheets are such tables.
    Xlsx,
    /// The same as an OpenDocument spreadsheet.
    Ods,
}

impl GrantFormat {
    /// The form of a file, by its first bytes (some hundred will do) and, where
    /// those leave it open, by its name.
    pub fn of(path: &Path, start: &[u8]) -> Result<Self, FileError> {
        let is_named_json = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        match stream::first_of_substance(start) {
            Some(b'{' | b'[') => return Ok(Self::Json),
            _ if stream::refuse_workbooks(start).is_ok() && is_named_json => return Ok(Self::Json),
            _ => {}
        }
        // Lines of JSON begin with an object too, which is met above.
        Ok(match RecordFormat::of(&path.to_string_lossy(), start)? {
            RecordFormat::Xlsx => Self::Xlsx,
            RecordFormat::Ods => Self::Ods,
            RecordFormat::Csv | RecordFormat::JsonLines => Self::Csv,
        })
    }
}

/// Reads grants and hands each row to `each`, which may end the reading early:
/// in JSON with its position in the list, in CSV with its line, in a workbook with its sheet and row.
///
/// Answers with what the package says about itself, as far as it was read; that
/// may stand behind the grants, so that [`about`] exists for those who need it first.
/// Refuses the file whole where it is not valid, holds no list of grants, or
/// has no column for something that every grant must have.
pub fn read(
    input: impl Read + Seek,
    format: GrantFormat,
    limits: &Limits,
    notes: &mut Notes,
    mut each: impl FnMut(Cell, Row<Grant>) -> ControlFlow<()>,
) -> Result<PackageInfo, FileError> {
    let none = |()| PackageInfo::default();
    match format {
        GrantFormat::Json => package::read(input, notes, |row, grant| each(Cell::of_row(row), grant)),
        GrantFormat::Csv => sheet::read(input, notes, |row, grant| each(Cell::of_row(row), grant)).map(none),
        GrantFormat::Xlsx | GrantFormat::Ods => {
            workbook::read(input, format, limits, notes, &mut each).map(none)
        }
    }
}

/// Reads only what the package says about itself, passing over its grants.
pub fn about(input: impl Read + Seek, format: GrantFormat) -> Result<PackageInfo, FileError> {
    match format {
        GrantFormat::Json => package::about(input),
        GrantFormat::Csv | GrantFormat::Xlsx | GrantFormat::Ods => Ok(PackageInfo::default()),
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
            currency.clone(),
            amount_minor.map(|amount| amount.to_string()),
            awarded_on.map(|date| date.to_string()),
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
    /// What stands before the decimals of its numbers.
    sign: DecimalSign,
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
        let identifier = found.required(path::ID, &self.id, uncut::<LONGEST_IDENTIFIER>);
        let title = found.required(path::TITLE, &self.title, line::<LONGEST_TITLE>);
        let description = found.optional(path::DESCRIPTION, &self.description, description);
        let currency = found.expected(path::CURRENCY, &self.currency, money::currency);
        let amount_minor = found.amount(&self.amount, currency.as_deref(), self.sign);
        let awarded_on = found.expected(path::AWARDED_ON, &self.awarded_on, written::any_date);
        let awarded_on = found.date(path::AWARDED_ON, &self.awarded_on, awarded_on);
        let starts_on = found.optional(path::STARTS_ON, &self.starts_on, written::any_date);
        let starts_on = found.date(path::STARTS_ON, &self.starts_on, starts_on);
        let ends_on = found.optional(path::ENDS_ON, &self.ends_on, written::any_date);
        let ends_on = found.date(path::ENDS_ON, &self.ends_on, ends_on);
        let ends_on = ends_on.filter(|end| match starts_on {
            Some(start) if *end < start => {
                found.leave_out(path::ENDS_ON, &format!("{end} is before the start, {start}"));
                false
            }
            _ => true,
        });
        let duration_months = found.duration(&self.duration, self.sign);
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
            let code = found.optional(&code, &location.code, uncut::<LONGEST_IDENTIFIER>);
            if name.is_some() || code.is_some() {
                let code = code.map(|code| code.to_ascii_uppercase());
                locations.push(Location { name, code });
            }
        }
        let data_source = found.optional(path::DATA_SOURCE, &self.data_source, web_address);
        let own = self.own;
        let whole = || {
            Some(Grant {
                identifier: identifier?,
                title: title?,
                description,
                currency,
                amount_minor,
                awarded_on,
                starts_on,
                ends_on,
                duration_months,
                programme,
                recipient: recipient?,
                funder: funder?,
                locations,
                data_source,
                own,
            })
        };
        found.finish(whole())
    }
}

impl Refusals {
    /// Warns that the grant is taken without a field.
    fn leave_out(&mut self, path: &str, reason: &str) {
        self.warn(path, format!("{reason}; the grant is taken without it"));
    }

    /// The field as `parse` reads it; nothing where it is blank, or where it cannot be held, which is a warning.
    fn optional<'a, T>(
        &mut self,
        path: &str,
        given: &'a Given,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        let read = given.text().and_then(|text| text.map(parse).transpose());
        read.unwrap_or_else(|reason| {
            self.leave_out(path, &reason);
            None
        })
    }

    /// Likewise, of a field that the standard requires: a warning too where it is blank.
    fn expected<'a, T>(
        &mut self,
        path: &str,
        given: &'a Given,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        self.optional(path, given, parse).or_else(|| {
            if matches!(given.text(), Ok(None)) {
                self.leave_out(path, "is missing");
            }
            None
        })
    }

    /// Likewise, of a field without which there is no grant: the row is refused.
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

    /// The date, with a warning where it may be meant otherwise.
    fn date(&mut self, path: &str, given: &Given, read: Option<WrittenDate>) -> Option<NaiveDate> {
        let WrittenDate { date, is_ambiguous } = read?;
        if let (true, Given::Text(text)) = (is_ambiguous, given) {
            self.warn(path, written::read_day_first(text, date));
        }
        Some(date)
    }

    /// The amount in the currency's minor unit, rounded where it has more decimals.
    fn amount(&mut self, given: &Given, currency: Option<&str>, sign: DecimalSign) -> Option<i64> {
        let amount = self.expected(path::AMOUNT, given, |text| Amount::parse(text, sign))?;
        let Some(currency) = currency else {
            let reason = format!("{} is in a currency that is not known", quoted(amount.text()));
            self.leave_out(path::AMOUNT, &reason);
            return None;
        };
        match amount.rounded(currency) {
            Ok(Rounded { minor, is_exact }) => {
                if !is_exact {
                    let rounded = money::in_major_units(minor, currency);
                    let reason = format!(
                        "{} has more decimals than {currency} has; it is rounded to {rounded}",
                        quoted(amount.text())
                    );
                    self.warn(path::AMOUNT, reason);
                }
                Some(minor)
            }
            Err(reason) => {
                self.leave_out(path::AMOUNT, &reason);
                None
            }
        }
    }

    /// The number of months, which may be followed by that word.
    fn duration(&mut self, given: &Given, sign: DecimalSign) -> Option<i32> {
        let without_unit = given.text().ok().flatten().and_then(|text| {
            let number = text.trim().trim_end_matches(|letter: char| !letter.is_numeric());
            let unit = text.trim()[number.len()..]
                .trim()
                .trim_end_matches('.')
                .to_lowercase();
            let is_months = matches!(
                unit.as_str(),
                "month" | "months" | "month(s)" | "mth" | "mths" | "m"
            );
            let months = money::months(number, sign).ok().filter(|_| is_months)?;
            Some((text, months))
        });
        if let Some((text, months)) = without_unit {
            let reason = format!("{} is read as {months} months", quoted(text));
            self.warn(path::DURATION, reason);
            return Some(months);
        }
        self.optional(path::DURATION, given, |text| money::months(text, sign))
    }

    fn party(&mut self, id: (&str, &Given), name: (&str, &Given)) -> Option<Party> {
        let identifier = self.optional(id.0, id.1, uncut::<LONGEST_ORGANISATION_IDENTIFIER>);
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
fn uncut<const LONGEST: usize>(text: &str) -> Result<String, String> {
    let identifier = written::line(text).ok_or("is missing")?;
    if identifier.chars().count() > LONGEST {
        return Err(format!(
            "{} is over {LONGEST} characters long",
            quoted(&identifier)
        ));
    }
    Ok(identifier)
}

/// The text, where it is an address on the web that a page may link to.
fn web_address(text: &str) -> Result<String, String> {
    let address = text.trim();
    let scheme = address.split_once("://").map_or("", |(scheme, _)| scheme);
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_plain = !address.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@');
    if !is_web || !is_plain {
        let reason = "is not a plain web address, such as https://example.org/grants.json";
        return Err(format!("{} {reason}", quoted(address)));
    }
    if address.len() > LONGEST_ADDRESS {
        return Err(format!(
            "{} is over {LONGEST_ADDRESS} bytes long",
            quoted(address)
        ));
    }
    Ok(address.to_owned())
}

#[cfg(test)]
mod tests;
