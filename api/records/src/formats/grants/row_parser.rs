//! Parses a row of a file of grants. It may be only a part of a grant, of which other rows have more.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::super::{RowProblem, RowProblems};
use super::grant::{
    MAX_DESCRIPTION_CHARACTERS, MAX_IDENTIFIER_CHARACTERS, MAX_NAME_CHARACTERS,
    MAX_ORGANISATION_IDENTIFIER_CHARACTERS, MAX_TITLE_CHARACTERS, MAX_URL_CHARACTERS,
};
use super::{Location, Period, WayinTerms};
use crate::gss_code;
use crate::money::{self, Amount, DecimalSign};
use crate::normalisation;
use crate::text;
use crate::text::{ParsedDate, quote};
use crate::workbook::placeholder;

/// The JSON paths of the fields that are read. For a list, those of its first item.
pub(super) mod path {
    pub(in super::super) const ID: &str = "id";
    pub(in super::super) const TITLE: &str = "title";
    pub(in super::super) const DESCRIPTION: &str = "description";
    pub(in super::super) const CURRENCY: &str = "currency";
    pub(in super::super) const AMOUNT: &str = "amountAwarded";
    pub(in super::super) const AWARDED_ON: &str = "awardDate";
    pub(in super::super) const STARTS_ON: &str = "plannedDates/0/startDate";
    pub(in super::super) const ENDS_ON: &str = "plannedDates/0/endDate";
    pub(in super::super) const DURATION: &str = "plannedDates/0/duration";
    pub(in super::super) const PROGRAMME: &str = "grantProgramme/0/title";
    pub(in super::super) const RECIPIENT_ID: &str = "recipientOrganization/0/id";
    pub(in super::super) const RECIPIENT_NAME: &str = "recipientOrganization/0/name";
    pub(in super::super) const FUNDER_ID: &str = "fundingOrganization/0/id";
    pub(in super::super) const FUNDER_NAME: &str = "fundingOrganization/0/name";
    pub(in super::super) const DATA_SOURCE: &str = "dataSource";
    pub(in super::super) const RECIPIENT_INDIVIDUAL: &str = "recipientIndividual";
    pub(in super::super) const TO_INDIVIDUALS_DETAILS: &str = "toIndividualsDetails";
    pub(in super::super) const LOCATION_NAME: &str = "beneficiaryLocation/0/name";
    pub(in super::super) const LOCATION_CODE: &str = "beneficiaryLocation/0/geoCode";
    pub(in super::super) const LOCATION_CODE_TYPE: &str = "beneficiaryLocation/0/geoCodeType";
    pub(in super::super) const WAYIN_TERMS: &str = "wayin";

    /// Returns the path for the item with a number, instead of the first.
    pub(in super::super) fn path_of_item(path: &str, number: u32) -> String {
        path.replacen("/0/", &format!("/{number}/"), 1)
    }

    /// Returns the list of a path.
    pub(in super::super) fn list_of_path(path: &str) -> &str {
        path.split('/').next().unwrap_or(path)
    }
}

/// The content of a field before it is parsed.
#[derive(Clone, Debug, Default)]
pub(super) enum RawField {
    #[default]
    Nothing,
    /// Text, or a number as written.
    Text(String),
    /// Something else, as a noun for a message.
    Other(&'static str),
}

impl RawField {
    /// Returns the text, if there is any. Fails if the field has something else.
    pub(super) fn text(&self) -> Result<Option<&str>, String> {
        let is_visible = |c: char| !c.is_whitespace() && !c.is_control();
        match self {
            Self::Nothing => Ok(None),
            Self::Text(text) => Ok(Some(text.as_str()).filter(|text| text.contains(is_visible))),
            Self::Other(what) => Err(format!("is {what}, where text or a number belongs")),
        }
    }
}

/// The fields of a row before they are parsed. The names are those of the standard's JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GrantRowDraft {
    pub(super) id: RawField,
    pub(super) title: RawField,
    pub(super) description: RawField,
    pub(super) currency: RawField,
    #[serde(rename = "amountAwarded")]
    pub(super) amount: RawField,
    #[serde(rename = "awardDate")]
    pub(super) awarded_on: RawField,
    pub(super) data_source: RawField,
    #[serde(rename = "plannedDates")]
    pub(super) periods: ItemList<PeriodDraft>,
    #[serde(rename = "grantProgramme")]
    pub(super) programmes: ItemList<ProgrammeDraft>,
    #[serde(rename = "recipientOrganization")]
    pub(super) recipients: ItemList<PartyDraft>,
    #[serde(rename = "fundingOrganization")]
    pub(super) funders: ItemList<PartyDraft>,
    #[serde(rename = "beneficiaryLocation")]
    pub(super) locations: ItemList<LocationDraft>,
    /// Only JSON has it, as an export of Wayin.
    pub(super) wayin: Option<Box<RawValue>>,
    #[serde(skip)]
    pub(super) wayin_terms: Option<WayinTerms>,
    /// Only a grant to a person has one of these two.
    pub(super) recipient_individual: Option<IgnoredAny>,
    pub(super) to_individuals_details: Option<IgnoredAny>,
    /// The decimal sign of the file.
    #[serde(skip)]
    pub(super) sign: DecimalSign,
}

/// The items of a list by their numbers, counted from 0.
#[derive(Debug, Default)]
pub(super) struct ItemList<T> {
    pub(super) items: BTreeMap<u32, T>,
    /// Whether JSON has something else in the place of the list.
    pub(super) is_wrong: bool,
}

impl<T: Default> ItemList<T> {
    /// Returns the item with a number, and creates it if there is none.
    pub(super) fn item(&mut self, number: u32) -> &mut T {
        self.items.entry(number).or_default()
    }

    fn parse<U>(&self, mut parse: impl FnMut(u32, &T) -> Option<U>) -> Vec<NumberedItem<U>> {
        let items = self.items.iter().filter_map(|(number, draft)| {
            let value = parse(*number, draft)?;
            Some(NumberedItem {
                number: *number,
                value,
            })
        });
        items.collect()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PeriodDraft {
    #[serde(rename = "startDate")]
    pub(super) starts_on: RawField,
    #[serde(rename = "endDate")]
    pub(super) ends_on: RawField,
    pub(super) duration: RawField,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ProgrammeDraft {
    pub(super) title: RawField,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PartyDraft {
    pub(super) id: RawField,
    pub(super) name: RawField,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LocationDraft {
    pub(super) name: RawField,
    #[serde(rename = "geoCode")]
    pub(super) code: RawField,
    #[serde(rename = "geoCodeType")]
    pub(super) code_type: RawField,
}

/// The names of fields in a file: the titles of its columns. The default are the paths.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldNames(pub(super) Option<Arc<HashMap<String, String>>>);

impl FieldNames {
    pub(super) fn find_name<'a>(&'a self, path: &'a str) -> &'a str {
        let title = self.0.as_ref().and_then(|titles| titles.get(path));
        title.map_or(path, String::as_str)
    }
}

/// An item of a list, with its number in the row.
#[derive(Clone, Debug)]
pub(super) struct NumberedItem<T> {
    pub(super) number: u32,
    pub(super) value: T,
}

/// An organisation that a row names.
#[derive(Clone, Debug, Default)]
pub(super) struct PartialParty {
    pub(super) identifier: Option<String>,
    pub(super) name: Option<String>,
}

/// A valid amount in a currency that is not known yet.
#[derive(Clone, Debug)]
pub(super) struct AmountText {
    text: String,
    sign: DecimalSign,
}

impl AmountText {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn parse(&self) -> Result<Amount<'_>, String> {
        Amount::parse(&self.text, self.sign)
    }
}

/// A row of a grant.
#[derive(Debug, Default)]
pub(super) struct GrantRow {
    /// `None` if the row has no valid identifier.
    pub(super) identifier: Option<String>,
    /// The problem of a grant to a person, of which nothing else is read.
    pub(super) personal_data_problem: Option<RowProblem>,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) amount: Option<AmountText>,
    pub(super) awarded_on: Option<NaiveDate>,
    pub(super) data_source: Option<String>,
    pub(super) periods: Vec<NumberedItem<Period>>,
    pub(super) programmes: Vec<NumberedItem<String>>,
    pub(super) recipients: Vec<NumberedItem<PartialParty>>,
    pub(super) funders: Vec<NumberedItem<PartialParty>>,
    pub(super) locations: Vec<Location>,
    pub(super) wayin_terms: Option<WayinTerms>,
    pub(super) names: FieldNames,
    /// Whether the table has no titles of grants, and only adds to the grants of others.
    pub(super) is_supplement: bool,
    /// Whether nothing of the row can be read.
    pub(super) is_unreadable: bool,
    pub(super) errors: Vec<RowProblem>,
    pub(super) warnings: Vec<RowProblem>,
}

impl GrantRow {
    /// Creates a row of which only the identifier is read.
    pub(super) fn identifier_only(id: &RawField) -> Self {
        Self {
            identifier: id.text().ok().flatten().and_then(normalise_identifier),
            ..Self::default()
        }
    }

    /// Creates a row that cannot be read, with its identifier, if that is known.
    pub(super) fn rejected(identifier: Option<String>, problems: Vec<RowProblem>) -> Self {
        Self {
            identifier,
            is_unreadable: true,
            errors: problems,
            ..Self::default()
        }
    }

    /// Lists all problems, so that their fields can be renamed.
    pub(super) fn problems_mut(&mut self) -> impl Iterator<Item = &mut RowProblem> {
        let found = self.errors.iter_mut().chain(&mut self.warnings);
        found.chain(&mut self.personal_data_problem)
    }
}

/// Normalises the identifier of a grant. Returns `None` if it is not valid.
pub(super) fn normalise_identifier(text: &str) -> Option<String> {
    parse_grant_identifier(text).ok()
}

fn parse_grant_identifier(text: &str) -> Result<String, String> {
    if placeholder::parse_placeholder(text).is_some() {
        return Err(format!(
            "is missing: {} is not an identifier; give each grant one of its own",
            quote(text.trim())
        ));
    }
    parse_untruncated::<MAX_IDENTIFIER_CHARACTERS>(text)
        .map(|line| normalisation::normalise_identifier(&line))
}

impl GrantRowDraft {
    /// Parses the row and adds its problems to those found before.
    pub(super) fn parse(self, mut found: RowProblems) -> GrantRow {
        let person = [
            (path::RECIPIENT_INDIVIDUAL, self.recipient_individual),
            (path::TO_INDIVIDUALS_DETAILS, self.to_individuals_details),
        ];
        if let Some((field, _)) = person.into_iter().find(|(_, person)| person.is_some()) {
            // Nothing else of a grant to a person is read or repeated.
            let mut alone = RowProblems::for_row(found.row);
            alone.add_error(
                field,
                "the grant is to a person, and Wayin keeps no personal data",
            );
            return GrantRow {
                identifier: self.id.text().ok().flatten().and_then(normalise_identifier),
                personal_data_problem: alone.errors.pop(),
                ..GrantRow::default()
            };
        }
        let parse_amount = |text: &str| {
            let (text, sign) = (text.to_owned(), self.sign);
            Amount::parse(&text, sign).map(|_| ())?;
            Ok(AmountText { text, sign })
        };
        let row = GrantRow {
            identifier: found.parse_required(path::ID, &self.id, parse_grant_identifier),
            title: found.parse_or_reject(path::TITLE, &self.title, parse_line::<MAX_TITLE_CHARACTERS>),
            description: found.parse_optional(path::DESCRIPTION, &self.description, parse_description),
            currency: found.parse_optional(path::CURRENCY, &self.currency, money::parse_currency),
            amount: found.parse_optional(path::AMOUNT, &self.amount, parse_amount),
            awarded_on: found.parse_date(path::AWARDED_ON, &self.awarded_on),
            periods: self.periods.parse(|number, period| {
                let period = found.parse_period(number, period, self.sign);
                Some(period).filter(|period| *period != Period::default())
            }),
            programmes: self.programmes.parse(|number, programme| {
                let field = path::path_of_item(path::PROGRAMME, number);
                let parse = reject_placeholders(parse_line::<MAX_TITLE_CHARACTERS>);
                found.parse_optional(&field, &programme.title, parse)
            }),
            recipients: found.parse_parties((path::RECIPIENT_ID, path::RECIPIENT_NAME), &self.recipients),
            funders: found.parse_parties((path::FUNDER_ID, path::FUNDER_NAME), &self.funders),
            locations: found.parse_locations(&self.locations),
            data_source: found.parse_optional(path::DATA_SOURCE, &self.data_source, parse_web_address),
            wayin_terms: self.wayin_terms,
            ..GrantRow::default()
        };
        GrantRow {
            errors: found.errors,
            warnings: found.warnings,
            ..row
        }
    }
}

impl RowProblems {
    /// Warns that a field is left out.
    pub(super) fn warn_omitted(&mut self, path: &str, reason: &str) {
        self.add_warning(path, describe_omission(reason));
    }

    /// Parses a field. Returns `None` if it is blank, and also if it is invalid, with a warning.
    fn parse_optional<'a, T>(
        &mut self,
        path: &str,
        given: &'a RawField,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        let read = given.text().and_then(|text| text.map(parse).transpose());
        read.unwrap_or_else(|reason| {
            self.warn_omitted(path, &reason);
            None
        })
    }

    /// Parses a field that a grant needs. An invalid value is an error.
    fn parse_or_reject<'a, T>(
        &mut self,
        path: &str,
        given: &'a RawField,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.check(path, given.text())??;
        self.check(path, parse(text))
    }

    /// Parses a field that a row needs. A blank or invalid value is an error.
    fn parse_required<'a, T>(
        &mut self,
        path: &str,
        given: &'a RawField,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        let text = given.text().and_then(|text| text.ok_or("is missing".into()));
        let text = self.check(path, text)?;
        self.check(path, parse(text))
    }

    /// Parses a date, with a warning if it is ambiguous.
    fn parse_date(&mut self, path: &str, given: &RawField) -> Option<NaiveDate> {
        let ParsedDate { date, is_ambiguous } = self.parse_optional(path, given, text::parse_any_date)?;
        if let (true, RawField::Text(text)) = (is_ambiguous, given) {
            self.add_warning(path, text::describe_day_first(text, date));
        }
        Some(date)
    }

    fn parse_period(&mut self, number: u32, period: &PeriodDraft, sign: DecimalSign) -> Period {
        let field = |path| path::path_of_item(path, number);
        let starts_on = self.parse_date(&field(path::STARTS_ON), &period.starts_on);
        let ends_on = self.parse_date(&field(path::ENDS_ON), &period.ends_on);
        let ends_on = ends_on.filter(|end| match starts_on {
            Some(start) if *end < start => {
                let reason = format!("{end} is before the start, {start}");
                self.warn_omitted(&field(path::ENDS_ON), &reason);
                false
            }
            _ => true,
        });
        Period {
            starts_on,
            ends_on,
            duration_months: self.parse_duration(&field(path::DURATION), &period.duration, sign),
        }
    }

    /// Parses a number of months, with or without the unit.
    fn parse_duration(&mut self, path: &str, given: &RawField, sign: DecimalSign) -> Option<i32> {
        let without_unit = given.text().ok().flatten().and_then(|text| {
            let number = text.trim().trim_end_matches(|letter: char| !letter.is_numeric());
            let unit = text.trim()[number.len()..]
                .trim()
                .trim_end_matches('.')
                .to_lowercase();
            let is_months = ["month", "months", "month(s)", "mth", "mths", "m"].contains(&unit.as_str());
            let months = money::parse_months(number, sign).ok().filter(|_| is_months)?;
            Some((text, months))
        });
        if let Some((text, months)) = without_unit {
            let reason = format!("{} is read as {months} months", quote(text));
            self.add_warning(path, reason);
            return Some(months);
        }
        self.parse_optional(path, given, |text| money::parse_months(text, sign))
    }

    fn parse_parties(
        &mut self,
        (id, name): (&str, &str),
        drafts: &ItemList<PartyDraft>,
    ) -> Vec<NumberedItem<PartialParty>> {
        drafts.parse(|number, draft| {
            let (id, name) = (path::path_of_item(id, number), path::path_of_item(name, number));
            let parse_id = reject_placeholders(parse_untruncated::<MAX_ORGANISATION_IDENTIFIER_CHARACTERS>);
            let identifier = self.parse_optional(&id, &draft.id, parse_id);
            let name = self.parse_or_reject(&name, &draft.name, parse_organisation_name);
            (identifier.is_some() || name.is_some()).then_some(PartialParty { identifier, name })
        })
    }

    fn parse_locations(&mut self, drafts: &ItemList<LocationDraft>) -> Vec<Location> {
        let locations = drafts.parse(|number, draft| self.parse_location(number, draft));
        locations.into_iter().map(|location| location.value).collect()
    }

    /// Parses a location. Returns `None` if it has neither a name nor a code.
    fn parse_location(&mut self, number: u32, draft: &LocationDraft) -> Option<Location> {
        let field = |path| path::path_of_item(path, number);
        let parse_name = reject_placeholders(parse_line::<MAX_NAME_CHARACTERS>);
        let name = self.parse_optional(&field(path::LOCATION_NAME), &draft.name, parse_name);
        let parse_code = reject_placeholders(parse_untruncated::<MAX_IDENTIFIER_CHARACTERS>);
        let code = self.parse_optional(&field(path::LOCATION_CODE), &draft.code, parse_code);
        let parse_type = parse_line::<MAX_NAME_CHARACTERS>;
        let code_type = self.parse_optional(&field(path::LOCATION_CODE_TYPE), &draft.code_type, parse_type);
        if name.is_none() && code.is_none() {
            return None;
        }
        // Other codes, such as postcodes, keep their spaces.
        let code =
            code.map(|code| gss_code::parse_area_code(&code).unwrap_or_else(|_| code.to_ascii_uppercase()));
        Some(Location {
            name,
            code_type: code_type.filter(|_| code.is_some()),
            code,
        })
    }
}

/// Describes a value that is left out.
pub(super) fn describe_omission(reason: &str) -> String {
    format!("{reason}; the grant is taken without it")
}

fn parse_line<const LONGEST: usize>(text: &str) -> Result<String, String> {
    let line = text::clean_line(text).ok_or("is missing")?;
    Ok(text::truncate(line, LONGEST))
}

/// Returns a parser that rejects placeholders.
fn reject_placeholders(
    parse: impl Fn(&str) -> Result<String, String>,
) -> impl FnOnce(&str) -> Result<String, String> {
    move |text| match placeholder::parse_placeholder(text) {
        Some(_) => Err(format!("{} is read as not known", quote(text.trim()))),
        None => parse(text),
    }
}

fn parse_organisation_name(text: &str) -> Result<String, String> {
    if placeholder::parse_placeholder(text).is_some() {
        return Err(format!(
            "is missing: {} is not a name; write the name of the organisation",
            quote(text.trim())
        ));
    }
    parse_line::<MAX_NAME_CHARACTERS>(text)
}

fn parse_description(text: &str) -> Result<String, String> {
    let description = text::clean_paragraphs(text).ok_or("is missing")?;
    Ok(text::truncate(description, MAX_DESCRIPTION_CHARACTERS))
}

/// Parses an identifier, which is never cut, because a part of it may identify something else.
fn parse_untruncated<const LONGEST: usize>(text: &str) -> Result<String, String> {
    let identifier = text::clean_line(text).ok_or("is missing")?;
    if identifier.chars().count() > LONGEST {
        return Err(format!(
            "{} is over {LONGEST} characters long",
            quote(&identifier)
        ));
    }
    Ok(identifier)
}

/// Parses a web address that a page may link to.
fn parse_web_address(text: &str) -> Result<String, String> {
    let address = text.trim();
    let scheme = address.split_once("://").map_or("", |(scheme, _)| scheme);
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_plain = !address.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@');
    if !is_web || !is_plain {
        let reason = "is not a plain web address, such as https://example.org/grants.json";
        return Err(format!("{} {reason}", quote(address)));
    }
    if address.len() > MAX_URL_CHARACTERS {
        return Err(format!(
            "{} is over {MAX_URL_CHARACTERS} bytes long",
            quote(address)
        ));
    }
    Ok(address.to_owned())
}
