//! What one row of a file of grants says. It need not be a whole grant: other rows may say more of the same.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;

use super::super::{RowProblem, RowProblems};
use super::grant::{
    MAX_DESCRIPTION_CHARACTERS, MAX_IDENTIFIER_CHARACTERS, MAX_NAME_CHARACTERS,
    MAX_ORGANISATION_IDENTIFIER_CHARACTERS, MAX_TITLE_CHARACTERS, MAX_URL_CHARACTERS,
};
use super::{Location, Period, WayinTerms};
use crate::gss;
use crate::money::{self, Amount, DecimalSign};
use crate::normalisation;
use crate::text;
use crate::text::{ParsedDate, quote};
use crate::workbook::placeholder;

/// The paths of the fields that are read, as JSON has them; of a list, those of its first item.
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

    /// A path for the item of a number instead of the first.
    pub(in super::super) fn path_of_item(path: &str, number: u32) -> String {
        path.replacen("/0/", &format!("/{number}/"), 1)
    }

    /// The list that a path leads into.
    pub(in super::super) fn list_of_path(path: &str) -> &str {
        path.split('/').next().unwrap_or(path)
    }
}

/// What one field holds, before it is known to make sense.
#[derive(Clone, Debug, Default)]
pub(super) enum RawField {
    #[default]
    Nothing,
    /// Text, or a number in the file's own digits.
    Text(String),
    /// Something else, as one would call it.
    Other(&'static str),
}

impl RawField {
    /// The text, if there is any; a refusal where the field holds something else.
    pub(super) fn text(&self) -> Result<Option<&str>, String> {
        let is_visible = |c: char| !c.is_whitespace() && !c.is_control();
        match self {
            Self::Nothing => Ok(None),
            Self::Text(text) => Ok(Some(text.as_str()).filter(|text| text.contains(is_visible))),
            Self::Other(what) => Err(format!("is {what}, where text or a number belongs")),
        }
    }
}

/// A row's fields as any form gives them; the items of each list by their numbers.
#[derive(Debug, Default)]
pub(super) struct GrantRowDraft {
    pub(super) id: RawField,
    pub(super) title: RawField,
    pub(super) description: RawField,
    pub(super) currency: RawField,
    pub(super) amount: RawField,
    pub(super) awarded_on: RawField,
    pub(super) data_source: RawField,
    pub(super) periods: BTreeMap<u32, PeriodDraft>,
    pub(super) programmes: BTreeMap<u32, RawField>,
    pub(super) recipients: BTreeMap<u32, PartyDraft>,
    pub(super) funders: BTreeMap<u32, PartyDraft>,
    pub(super) locations: BTreeMap<u32, LocationDraft>,
    pub(super) wayin_terms: Option<WayinTerms>,
    /// The field that says that the recipient is a person, where one does.
    pub(super) person: Option<&'static str>,
    /// What comes before the decimals of its numbers.
    pub(super) sign: DecimalSign,
}

#[derive(Debug, Default)]
pub(super) struct PeriodDraft {
    pub(super) starts_on: RawField,
    pub(super) ends_on: RawField,
    pub(super) duration: RawField,
}

#[derive(Debug, Default)]
pub(super) struct PartyDraft {
    pub(super) id: RawField,
    pub(super) name: RawField,
}

#[derive(Debug, Default)]
pub(super) struct LocationDraft {
    pub(super) name: RawField,
    pub(super) code: RawField,
    pub(super) code_type: RawField,
}

/// How a file names its fields: by the titles of its columns, or else by their paths.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldNames(pub(super) Option<Arc<HashMap<String, String>>>);

impl FieldNames {
    pub(super) fn name_of<'a>(&'a self, path: &'a str) -> &'a str {
        let title = self.0.as_ref().and_then(|titles| titles.get(path));
        title.map_or(path, String::as_str)
    }
}

/// One item of a list, with its number in the row.
#[derive(Clone, Debug)]
pub(super) struct NumberedItem<T> {
    pub(super) number: u32,
    pub(super) value: T,
}

/// An organisation, as far as a row names it.
#[derive(Clone, Debug, Default)]
pub(super) struct PartialParty {
    pub(super) identifier: Option<String>,
    pub(super) name: Option<String>,
}

/// An amount that can be read, of no currency yet.
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

/// What a row says of a grant.
#[derive(Debug, Default)]
pub(super) struct GrantRow {
    /// None where the row has none that can be read.
    pub(super) identifier: Option<String>,
    /// Why nothing of the row is kept: it is about a person.
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
    /// Whether it comes from a table without titles of grants, which only adds to the grants of others.
    pub(super) is_supplement: bool,
    /// Whether nothing of it can be read.
    pub(super) is_unreadable: bool,
    pub(super) errors: Vec<RowProblem>,
    pub(super) warnings: Vec<RowProblem>,
}

impl GrantRow {
    /// A row of which nothing but the identifier is read.
    pub(super) fn identifier_only(id: &RawField) -> Self {
        Self {
            identifier: id.text().ok().flatten().and_then(normalise_identifier),
            ..Self::default()
        }
    }

    /// A row that cannot be read, with its identifier as far as that is known.
    pub(super) fn rejected(identifier: Option<String>, refusals: Vec<RowProblem>) -> Self {
        Self {
            identifier,
            is_unreadable: true,
            errors: refusals,
            ..Self::default()
        }
    }

    /// All that was found, to name its fields as the file does.
    pub(super) fn problems_mut(&mut self) -> impl Iterator<Item = &mut RowProblem> {
        let found = self.errors.iter_mut().chain(&mut self.warnings);
        found.chain(&mut self.personal_data_problem)
    }
}

/// The identifier of a grant, in the form in which it is compared.
pub(super) fn normalise_identifier(text: &str) -> Option<String> {
    parse_grant_identifier(text).ok()
}

fn parse_grant_identifier(text: &str) -> Result<String, String> {
    if placeholder::parse_placeholder(text).is_some() {
        return Err(format!(
            "is missing: {} is no identifier; give each grant one of its own",
            quote(text.trim())
        ));
    }
    parse_untruncated::<MAX_IDENTIFIER_CHARACTERS>(text)
        .map(|line| normalisation::normalise_identifier(&line))
}

impl GrantRowDraft {
    /// What the row says, with all that is wrong with it beside what is found already.
    pub(super) fn parse(self, mut found: RowProblems) -> GrantRow {
        if let Some(field) = self.person {
            // Nothing else of a person's grant is read, or repeated.
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
        let identifier = found.parse_required(path::ID, &self.id, parse_grant_identifier);
        let title = found.parse_or_reject(path::TITLE, &self.title, parse_line::<MAX_TITLE_CHARACTERS>);
        let description = found.parse_optional(path::DESCRIPTION, &self.description, parse_description);
        let currency = found.parse_optional(path::CURRENCY, &self.currency, money::parse_currency);
        let amount = found.parse_optional(path::AMOUNT, &self.amount, |text| {
            Amount::parse(text, self.sign).map(|_| AmountText {
                text: text.to_owned(),
                sign: self.sign,
            })
        });
        let awarded_on = found.parse_date(path::AWARDED_ON, &self.awarded_on);
        let mut periods = Vec::with_capacity(self.periods.len());
        for (number, period) in &self.periods {
            let value = found.parse_period(*number, period, self.sign);
            if value != Period::default() {
                periods.push(NumberedItem {
                    number: *number,
                    value,
                });
            }
        }
        let mut programmes = Vec::with_capacity(self.programmes.len());
        for (number, given) in &self.programmes {
            let field = path::path_of_item(path::PROGRAMME, *number);
            let title = found.parse_optional(
                &field,
                given,
                reject_placeholders(parse_line::<MAX_TITLE_CHARACTERS>),
            );
            programmes.extend(title.map(|value| NumberedItem {
                number: *number,
                value,
            }));
        }
        let recipients = found.parse_parties((path::RECIPIENT_ID, path::RECIPIENT_NAME), &self.recipients);
        let funders = found.parse_parties((path::FUNDER_ID, path::FUNDER_NAME), &self.funders);
        let mut locations = Vec::with_capacity(self.locations.len());
        for (number, location) in &self.locations {
            locations.extend(found.parse_location(*number, location));
        }
        let data_source = found.parse_optional(path::DATA_SOURCE, &self.data_source, parse_web_address);
        GrantRow {
            identifier,
            personal_data_problem: None,
            title,
            description,
            currency,
            amount,
            awarded_on,
            data_source,
            periods,
            programmes,
            recipients,
            funders,
            locations,
            wayin_terms: self.wayin_terms,
            names: FieldNames::default(),
            is_supplement: false,
            is_unreadable: false,
            errors: found.errors,
            warnings: found.warnings,
        }
    }
}

impl RowProblems {
    /// Warns that the grant is taken without a field.
    pub(super) fn warn_omitted(&mut self, path: &str, reason: &str) {
        self.add_warning(path, describe_omission(reason));
    }

    /// The field as `parse` reads it; nothing where it is blank, or where it cannot be held, which is a warning.
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

    /// Likewise, of a field without which there is no grant: what cannot be held refuses the row.
    fn parse_or_reject<'a, T>(
        &mut self,
        path: &str,
        given: &'a RawField,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.check(path, given.text())??;
        self.check(path, parse(text))
    }

    /// Likewise, of a field without which there is no row: the row is refused where it is blank, too.
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

    /// The date, with a warning where it may be meant otherwise.
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

    /// The number of months, which may be followed by that word.
    fn parse_duration(&mut self, path: &str, given: &RawField, sign: DecimalSign) -> Option<i32> {
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
        drafts: &BTreeMap<u32, PartyDraft>,
    ) -> Vec<NumberedItem<PartialParty>> {
        let mut parties = Vec::with_capacity(drafts.len());
        for (number, draft) in drafts {
            let (id, name) = (path::path_of_item(id, *number), path::path_of_item(name, *number));
            let identifier = self.parse_optional(
                &id,
                &draft.id,
                reject_placeholders(parse_untruncated::<MAX_ORGANISATION_IDENTIFIER_CHARACTERS>),
            );
            let name = self.parse_or_reject(&name, &draft.name, parse_organisation_name);
            if identifier.is_some() || name.is_some() {
                parties.push(NumberedItem {
                    number: *number,
                    value: PartialParty { identifier, name },
                });
            }
        }
        parties
    }

    /// The location; nothing where it has neither a name nor a code.
    fn parse_location(&mut self, number: u32, draft: &LocationDraft) -> Option<Location> {
        let field = |path| path::path_of_item(path, number);
        let name = self.parse_optional(
            &field(path::LOCATION_NAME),
            &draft.name,
            reject_placeholders(parse_line::<MAX_NAME_CHARACTERS>),
        );
        let code = self.parse_optional(
            &field(path::LOCATION_CODE),
            &draft.code,
            reject_placeholders(parse_untruncated::<MAX_IDENTIFIER_CHARACTERS>),
        );
        let code_type = self.parse_optional(
            &field(path::LOCATION_CODE_TYPE),
            &draft.code_type,
            parse_line::<MAX_NAME_CHARACTERS>,
        );
        if name.is_none() && code.is_none() {
            return None;
        }
        // Any other code, such as a postcode, keeps its spaces.
        let code = code.map(|code| gss::parse_area_code(&code).unwrap_or_else(|_| code.to_ascii_uppercase()));
        Some(Location {
            name,
            code_type: code_type.filter(|_| code.is_some()),
            code,
        })
    }
}

/// What is said of a value that cannot be held.
pub(super) fn describe_omission(reason: &str) -> String {
    format!("{reason}; the grant is taken without it")
}

fn parse_line<const LONGEST: usize>(text: &str) -> Result<String, String> {
    let line = text::clean_line(text).ok_or("is missing")?;
    Ok(text::truncate(line, LONGEST))
}

/// A parser that does not take the words of somebody who has no answer.
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
            "is missing: {} is no name; write the name of the organisation",
            quote(text.trim())
        ));
    }
    parse_line::<MAX_NAME_CHARACTERS>(text)
}

fn parse_description(text: &str) -> Result<String, String> {
    let description = text::clean_paragraphs(text).ok_or("is missing")?;
    Ok(text::truncate(description, MAX_DESCRIPTION_CHARACTERS))
}

/// An identifier is never cut: half of one names something else.
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

/// The text, where it is an address on the web that a page may link to.
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
