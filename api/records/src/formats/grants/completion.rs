//! Completes a grant from all of its rows.

use std::collections::HashSet;

use super::super::file_record::CellPosition;
use super::super::{ParsedRow, ParsedRowResult, RowProblem};
use super::merge::{MAX_ITEMS_OF_GRANT, MAX_LOCATIONS_OF_GRANT, PartialGrant, describe_row, new_problem};
use super::row_parser::{AmountText, GrantRow, NumberedItem, PartialParty, describe_omission, path};
use super::{AdditionalItems, Grant, Party};
use crate::money::{self, RoundedAmount};
use crate::text::quote;

const MISSING_FIELD_REASON: &str = "is missing";

/// Completes a grant, or returns its errors. `other` is an identifier of the file that differs only in case, with its
/// position.
pub(super) fn complete_grant(
    partly: PartialGrant,
    other: Option<&(String, CellPosition)>,
) -> ParsedRowResult<Grant> {
    let PartialGrant {
        position: at,
        mut row,
        rows,
    } = partly;
    if let Some(person) = row.personal_data_problem {
        return Err(vec![person]);
    }
    add_errors(&at, rows, &mut row, other);
    if !row.errors.is_empty() {
        return Err(row.errors);
    }
    add_warnings(&at, &mut row, other);
    let amount_minor = amount_in_minor_units(&at, &mut row);
    if rows > 1 {
        let mut seen = HashSet::new();
        row.locations.retain(|location| seen.insert(location.clone()));
    }
    let parties =
        |list: Vec<NumberedItem<PartialParty>>| list.into_iter().filter_map(|one| one.value.into_party());
    let (mut recipients, mut funders) = (parties(row.recipients), parties(row.funders));
    let mut periods = row.periods.into_iter().map(|one| one.value);
    let mut programmes = row.programmes.into_iter().map(|one| one.value);
    let first = periods.next().unwrap_or_default();
    let (Some(identifier), Some(title), Some(recipient), Some(funder)) =
        (row.identifier, row.title, recipients.next(), funders.next())
    else {
        // The errors include what is missing.
        return Err(row.errors);
    };
    let grant = Grant {
        identifier,
        title,
        description: row.description,
        currency: row.currency,
        amount_minor,
        awarded_on: row.awarded_on,
        starts_on: first.starts_on,
        ends_on: first.ends_on,
        duration_months: first.duration_months,
        programme: programmes.next(),
        recipient,
        funder,
        locations: row.locations,
        data_source: row.data_source,
        wayin_terms: row.wayin_terms,
        additional: AdditionalItems {
            recipients: recipients.collect(),
            funders: funders.collect(),
            programmes: programmes.collect(),
            periods: periods.collect(),
        },
    };
    Ok(ParsedRow {
        value: grant,
        warnings: row.warnings,
    })
}

/// Adds the errors of a grant.
fn add_errors(at: &CellPosition, rows: u32, row: &mut GrantRow, other: Option<&(String, CellPosition)>) {
    if rows == 1 && row.is_unreadable {
        return;
    }
    let shown = quote(row.identifier.as_deref().unwrap_or_default());
    let is_first = |one: &RowProblem| one.row == at.row && one.sheet == at.sheet;
    if row.is_supplement && row.errors.is_empty() {
        let meant = other.map_or_else(String::new, |(other, _)| {
            format!("; did you mean {}?", quote(other))
        });
        let reason = format!("is {shown}, and no row of the file gives the title of a grant with it{meant}");
        row.add_error(at, path::ID, reason);
        return;
    }
    if rows > 1 && !row.errors.is_empty() && !row.errors.iter().any(is_first) {
        let reason = format!("is {shown}, of which another row is refused, and so the whole grant is");
        row.add_error(at, path::ID, reason);
        row.errors.rotate_right(1);
        return;
    }
    let lists = [
        (path::LOCATION_NAME, row.locations.len(), MAX_LOCATIONS_OF_GRANT),
        (path::RECIPIENT_NAME, row.recipients.len(), MAX_ITEMS_OF_GRANT),
        (path::FUNDER_NAME, row.funders.len(), MAX_ITEMS_OF_GRANT),
        (path::PROGRAMME, row.programmes.len(), MAX_ITEMS_OF_GRANT),
        (path::STARTS_ON, row.periods.len(), MAX_ITEMS_OF_GRANT),
    ];
    for (path, _, most) in lists.into_iter().filter(|(_, items, most)| items > most) {
        let reason =
            format!("has over {most} different values in the rows of one grant; is the identifier right?");
        row.add_error(at, path, reason);
    }
    let has_name =
        |parties: &[NumberedItem<PartialParty>]| parties.first().is_some_and(|one| one.value.name.is_some());
    let required = [
        (path::TITLE, row.title.is_some()),
        (path::RECIPIENT_NAME, has_name(&row.recipients)),
        (path::FUNDER_NAME, has_name(&row.funders)),
    ];
    for (path, _) in required.into_iter().filter(|(_, is_there)| !is_there) {
        let fields = [row.names.find_name(path), path::list_of_path(path)];
        if !row
            .errors
            .iter()
            .any(|error| fields.contains(&error.field.as_str()))
        {
            row.add_error(at, path, MISSING_FIELD_REASON.to_owned());
        }
    }
}

/// Adds warnings about an identifier that differs from another only in case, and about fields that most grants have.
fn add_warnings(at: &CellPosition, row: &mut GrantRow, other: Option<&(String, CellPosition)>) {
    if let Some((other, other_at)) = other {
        let reason = format!(
            "is {}, and {} in {} differs in upper and lower case only; they are taken for two grants",
            quote(row.identifier.as_deref().unwrap_or_default()),
            quote(other),
            describe_row(other_at, at)
        );
        row.add_warning(at, path::ID, reason);
    }
    let expected = [
        (path::CURRENCY, row.currency.is_some()),
        (path::AMOUNT, row.amount.is_some()),
        (path::AWARDED_ON, row.awarded_on.is_some()),
    ];
    for (path, _) in expected.into_iter().filter(|(_, is_there)| !is_there) {
        let name = row.names.find_name(path);
        if !row.warnings.iter().any(|warning| warning.field == name) {
            row.add_warning(at, path, describe_omission(MISSING_FIELD_REASON));
        }
    }
}

/// Converts the amount to the currency's minor unit, with a warning if it is rounded or left out.
fn amount_in_minor_units(at: &CellPosition, row: &mut GrantRow) -> Option<i64> {
    let text = row.amount.take()?;
    let (minor, warning) = match round_amount(&text, row.currency.as_deref()) {
        Ok((minor, warning)) => (Some(minor), warning),
        Err(reason) => (None, Some(describe_omission(&reason))),
    };
    if let Some(reason) = warning {
        row.add_warning(at, path::AMOUNT, reason);
    }
    minor
}

impl GrantRow {
    fn add_error(&mut self, at: &CellPosition, path: &str, reason: String) {
        self.errors
            .push(new_problem(at, self.names.find_name(path), reason));
    }

    fn add_warning(&mut self, at: &CellPosition, path: &str, reason: String) {
        self.warnings
            .push(new_problem(at, self.names.find_name(path), reason));
    }
}

fn round_amount(text: &AmountText, currency: Option<&str>) -> Result<(i64, Option<String>), String> {
    let amount = text.parse()?;
    let Some(currency) = currency else {
        return Err(format!(
            "{} is in a currency that is not known",
            quote(amount.text())
        ));
    };
    let RoundedAmount { minor, is_exact } = amount.round_to_minor_units(currency)?;
    let warning = (!is_exact).then(|| {
        format!(
            "{} has more decimals than {currency} has; it is rounded to {}",
            quote(amount.text()),
            money::format_major_units(minor, currency)
        )
    });
    Ok((minor, warning))
}

impl PartialParty {
    /// Converts to an organisation. One without a name has its identifier as its name.
    fn into_party(self) -> Option<Party> {
        let name = self.name.or_else(|| self.identifier.clone())?;
        Some(Party {
            identifier: self.identifier,
            name,
        })
    }
}
