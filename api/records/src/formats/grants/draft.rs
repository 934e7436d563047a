//! What one row of a file of grants says. It need not be a whole grant: other rows may say more of the same.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;

use super::super::{Refusal, Refusals};
use super::grant::{
    LONGEST_ADDRESS, LONGEST_DESCRIPTION, LONGEST_IDENTIFIER, LONGEST_NAME, LONGEST_ORGANISATION_IDENTIFIER,
    LONGEST_TITLE,
};
use super::{Location, OwnTerms, Period};
use crate::gss;
use crate::money::{self, Amount, DecimalSign};
use crate::spelling;
use crate::text;
use crate::text::{WrittenDate, quoted};
use crate::workbook::not_known;

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
    pub(in super::super) const PERSON: &str = "recipientIndividual";
    pub(in super::super) const PERSON_DETAILS: &str = "toIndividualsDetails";
    pub(in super::super) const LOCATION_NAME: &str = "beneficiaryLocation/0/name";
    pub(in super::super) const LOCATION_CODE: &str = "beneficiaryLocation/0/geoCode";
    pub(in super::super) const LOCATION_CODE_TYPE: &str = "beneficiaryLocation/0/geoCodeType";
    pub(in super::super) const OWN: &str = "wayin";

    /// A path for the item of a number instead of the first.
    pub(in super::super) fn of_item(path: &str, number: u32) -> String {
        path.replacen("/0/", &format!("/{number}/"), 1)
    }

    /// The list that a path leads into.
    pub(in super::super) fn list(path: &str) -> &str {
        path.split('/').next().unwrap_or(path)
    }
}

/// What one field holds, before it is known to make sense.
#[derive(Clone, Debug, Default)]
pub(super) enum Given {
    #[default]
    Nothing,
    /// Text, or a number in the file's own digits.
    Text(String),
    /// Something else, as one would call it.
    Other(&'static str),
}

impl Given {
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
pub(super) struct Draft {
    pub(super) id: Given,
    pub(super) title: Given,
    pub(super) description: Given,
    pub(super) currency: Given,
    pub(super) amount: Given,
    pub(super) awarded_on: Given,
    pub(super) data_source: Given,
    pub(super) periods: BTreeMap<u32, DraftPeriod>,
    pub(super) programmes: BTreeMap<u32, Given>,
    pub(super) recipients: BTreeMap<u32, DraftParty>,
    pub(super) funders: BTreeMap<u32, DraftParty>,
    pub(super) locations: BTreeMap<u32, DraftLocation>,
    pub(super) own: Option<OwnTerms>,
    /// The field that says that the recipient is a person, where one does.
    pub(super) person: Option<&'static str>,
    /// What comes before the decimals of its numbers.
    pub(super) sign: DecimalSign,
}

#[derive(Debug, Default)]
pub(super) struct DraftPeriod {
    pub(super) starts_on: Given,
    pub(super) ends_on: Given,
    pub(super) duration: Given,
}

#[derive(Debug, Default)]
pub(super) struct DraftParty {
    pub(super) id: Given,
    pub(super) name: Given,
}

#[derive(Debug, Default)]
pub(super) struct DraftLocation {
    pub(super) name: Given,
    pub(super) code: Given,
    pub(super) code_type: Given,
}

/// How a file names its fields: by the titles of its columns, or else by their paths.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldNames(pub(super) Option<Arc<HashMap<String, String>>>);

impl FieldNames {
    pub(super) fn of<'a>(&'a self, path: &'a str) -> &'a str {
        let title = self.0.as_ref().and_then(|titles| titles.get(path));
        title.map_or(path, String::as_str)
    }
}

/// One item of a list, with its number in the row.
#[derive(Clone, Debug)]
pub(super) struct Numbered<T> {
    pub(super) number: u32,
    pub(super) value: T,
}

/// An organisation, as far as a row names it.
#[derive(Clone, Debug, Default)]
pub(super) struct PartyPart {
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
    pub(super) person: Option<Refusal>,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) amount: Option<AmountText>,
    pub(super) awarded_on: Option<NaiveDate>,
    pub(super) data_source: Option<String>,
    pub(super) periods: Vec<Numbered<Period>>,
    pub(super) programmes: Vec<Numbered<String>>,
    pub(super) recipients: Vec<Numbered<PartyPart>>,
    pub(super) funders: Vec<Numbered<PartyPart>>,
    pub(super) locations: Vec<Location>,
    pub(super) own: Option<OwnTerms>,
    pub(super) names: FieldNames,
    /// Whether it comes from a table without titles of grants, which only adds to the grants of others.
    pub(super) only_adds: bool,
    /// Whether nothing of it can be read.
    pub(super) is_unread: bool,
    pub(super) refusals: Vec<Refusal>,
    pub(super) warnings: Vec<Refusal>,
}

impl GrantRow {
    /// A row of which nothing but the identifier is read.
    pub(super) fn identified(id: &Given) -> Self {
        Self {
            identifier: id.text().ok().flatten().and_then(identifier),
            ..Self::default()
        }
    }

    /// A row that cannot be read, with its identifier as far as that is known.
    pub(super) fn refused(identifier: Option<String>, refusals: Vec<Refusal>) -> Self {
        Self {
            identifier,
            is_unread: true,
            refusals,
            ..Self::default()
        }
    }

    /// All that was found, to name its fields as the file does.
    pub(super) fn findings_mut(&mut self) -> impl Iterator<Item = &mut Refusal> {
        let found = self.refusals.iter_mut().chain(&mut self.warnings);
        found.chain(&mut self.person)
    }
}

/// The identifier of a grant, in the form in which it is compared.
pub(super) fn identifier(text: &str) -> Option<String> {
    grant_identifier(text).ok()
}

fn grant_identifier(text: &str) -> Result<String, String> {
    if not_known::find(text).is_some() {
        return Err(format!(
            "is missing: {} is no identifier; give each grant one of its own",
            quoted(text.trim())
        ));
    }
    uncut::<LONGEST_IDENTIFIER>(text).map(|line| spelling::identifier(&line))
}

impl Draft {
    /// What the row says, with all that is wrong with it beside what is found already.
    pub(super) fn parse(self, mut found: Refusals) -> GrantRow {
        if let Some(field) = self.person {
            // Nothing else of a person's grant is read, or repeated.
            let mut alone = Refusals::of(found.row);
            alone.add(
                field,
                "the grant is to a person, and Wayin keeps no personal data",
            );
            return GrantRow {
                identifier: self.id.text().ok().flatten().and_then(identifier),
                person: alone.found.pop(),
                ..GrantRow::default()
            };
        }
        let identifier = found.required(path::ID, &self.id, grant_identifier);
        let title = found.line(path::TITLE, &self.title, line::<LONGEST_TITLE>);
        let description = found.optional(path::DESCRIPTION, &self.description, description);
        let currency = found.optional(path::CURRENCY, &self.currency, money::currency);
        let amount = found.optional(path::AMOUNT, &self.amount, |text| {
            Amount::parse(text, self.sign).map(|_| AmountText {
                text: text.to_owned(),
                sign: self.sign,
            })
        });
        let awarded_on = found.date(path::AWARDED_ON, &self.awarded_on);
        let mut periods = Vec::with_capacity(self.periods.len());
        for (number, period) in &self.periods {
            let value = found.period(*number, period, self.sign);
            if value != Period::default() {
                periods.push(Numbered {
                    number: *number,
                    value,
                });
            }
        }
        let mut programmes = Vec::with_capacity(self.programmes.len());
        for (number, given) in &self.programmes {
            let field = path::of_item(path::PROGRAMME, *number);
            let title = found.optional(&field, given, known(line::<LONGEST_TITLE>));
            programmes.extend(title.map(|value| Numbered {
                number: *number,
                value,
            }));
        }
        let recipients = found.parties((path::RECIPIENT_ID, path::RECIPIENT_NAME), &self.recipients);
        let funders = found.parties((path::FUNDER_ID, path::FUNDER_NAME), &self.funders);
        let mut locations = Vec::with_capacity(self.locations.len());
        for (number, location) in &self.locations {
            locations.extend(found.location(*number, location));
        }
        let data_source = found.optional(path::DATA_SOURCE, &self.data_source, web_address);
        GrantRow {
            identifier,
            person: None,
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
            own: self.own,
            names: FieldNames::default(),
            only_adds: false,
            is_unread: false,
            refusals: found.found,
            warnings: found.warnings,
        }
    }
}

impl Refusals {
    /// Warns that the grant is taken without a field.
    pub(super) fn leave_out(&mut self, path: &str, reason: &str) {
        self.warn(path, without(reason));
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

    /// Likewise, of a field without which there is no grant: what cannot be held refuses the row.
    fn line<'a, T>(
        &mut self,
        path: &str,
        given: &'a Given,
        parse: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.check(path, given.text())??;
        self.check(path, parse(text))
    }

    /// Likewise, of a field without which there is no row: the row is refused where it is blank, too.
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
    fn date(&mut self, path: &str, given: &Given) -> Option<NaiveDate> {
        let WrittenDate { date, is_ambiguous } = self.optional(path, given, text::any_date)?;
        if let (true, Given::Text(text)) = (is_ambiguous, given) {
            self.warn(path, text::read_day_first(text, date));
        }
        Some(date)
    }

    fn period(&mut self, number: u32, period: &DraftPeriod, sign: DecimalSign) -> Period {
        let field = |path| path::of_item(path, number);
        let starts_on = self.date(&field(path::STARTS_ON), &period.starts_on);
        let ends_on = self.date(&field(path::ENDS_ON), &period.ends_on);
        let ends_on = ends_on.filter(|end| match starts_on {
            Some(start) if *end < start => {
                let reason = format!("{end} is before the start, {start}");
                self.leave_out(&field(path::ENDS_ON), &reason);
                false
            }
            _ => true,
        });
        Period {
            starts_on,
            ends_on,
            duration_months: self.duration(&field(path::DURATION), &period.duration, sign),
        }
    }

    /// The number of months, which may be followed by that word.
    fn duration(&mut self, path: &str, given: &Given, sign: DecimalSign) -> Option<i32> {
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
            self.warn(path, reason);
            return Some(months);
        }
        self.optional(path, given, |text| money::months(text, sign))
    }

    fn parties(
        &mut self,
        (id, name): (&str, &str),
        drafts: &BTreeMap<u32, DraftParty>,
    ) -> Vec<Numbered<PartyPart>> {
        let mut parties = Vec::with_capacity(drafts.len());
        for (number, draft) in drafts {
            let (id, name) = (path::of_item(id, *number), path::of_item(name, *number));
            let identifier = self.optional(&id, &draft.id, known(uncut::<LONGEST_ORGANISATION_IDENTIFIER>));
            let name = self.line(&name, &draft.name, organisation_name);
            if identifier.is_some() || name.is_some() {
                parties.push(Numbered {
                    number: *number,
                    value: PartyPart { identifier, name },
                });
            }
        }
        parties
    }

    /// The location; nothing where it has neither a name nor a code.
    fn location(&mut self, number: u32, draft: &DraftLocation) -> Option<Location> {
        let field = |path| path::of_item(path, number);
        let name = self.optional(
            &field(path::LOCATION_NAME),
            &draft.name,
            known(line::<LONGEST_NAME>),
        );
        let code = self.optional(
            &field(path::LOCATION_CODE),
            &draft.code,
            known(uncut::<LONGEST_IDENTIFIER>),
        );
        let code_type = self.optional(
            &field(path::LOCATION_CODE_TYPE),
            &draft.code_type,
            line::<LONGEST_NAME>,
        );
        if name.is_none() && code.is_none() {
            return None;
        }
        // Any other code, such as a postcode, keeps its spaces.
        let code = code.map(|code| gss::area_code(&code).unwrap_or_else(|_| code.to_ascii_uppercase()));
        Some(Location {
            name,
            code_type: code_type.filter(|_| code.is_some()),
            code,
        })
    }
}

/// What is said of a value that cannot be held.
pub(super) fn without(reason: &str) -> String {
    format!("{reason}; the grant is taken without it")
}

fn line<const LONGEST: usize>(text: &str) -> Result<String, String> {
    let line = text::line(text).ok_or("is missing")?;
    Ok(text::cut(line, LONGEST))
}

/// A parser that does not take the words of somebody who has no answer.
fn known(parse: impl Fn(&str) -> Result<String, String>) -> impl FnOnce(&str) -> Result<String, String> {
    move |text| match not_known::find(text) {
        Some(_) => Err(format!("{} is read as not known", quoted(text.trim()))),
        None => parse(text),
    }
}

fn organisation_name(text: &str) -> Result<String, String> {
    if not_known::find(text).is_some() {
        return Err(format!(
            "is missing: {} is no name; write the name of the organisation",
            quoted(text.trim())
        ));
    }
    line::<LONGEST_NAME>(text)
}

fn description(text: &str) -> Result<String, String> {
    let description = text::paragraphs(text).ok_or("is missing")?;
    Ok(text::cut(description, LONGEST_DESCRIPTION))
}

/// An identifier is never cut: half of one names something else.
fn uncut<const LONGEST: usize>(text: &str) -> Result<String, String> {
    let identifier = text::line(text).ok_or("is missing")?;
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
