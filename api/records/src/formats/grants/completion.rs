//! What all rows of a grant say, as one grant.

use std::collections::HashSet;

use super::super::file_record::CellPosition;
use super::super::{ParsedRow, ParsedRowResult, RowProblem};
use super::merge::{MAX_ITEMS_OF_GRANT, MAX_LOCATIONS_OF_GRANT, PartialGrant, describe_row, new_problem};
use super::row_parser::{AmountText, GrantRow, NumberedItem, PartialParty, describe_omission, path};
use super::{AdditionalItems, Grant, Party};
use crate::money::{self, RoundedAmount};
use crate::text::quote;

/// What is said of a field that every grant has and none of its rows.
const MISSING_FIELD_REASON: &str = "is missing";

/// A grant of which all rows were read, or why it is none. `other` is an identifier of the file that differs in upper
/// and lower case only, with its row.
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
    let GrantRow {
        identifier,
        title,
        description,
        currency,
        awarded_on,
        data_source,
        periods,
        programmes,
        recipients,
        funders,
        mut locations,
        wayin_terms: own,
        errors: refusals,
        warnings,
        ..
    } = row;
    if rows > 1 {
        let mut seen = HashSet::new();
        locations.retain(|location| seen.insert(location.clone()));
    }
    let parties =
        |list: Vec<NumberedItem<PartialParty>>| list.into_iter().filter_map(|one| one.value.into_party());
    let (mut recipients, mut funders) = (parties(recipients), parties(funders));
    let mut periods = periods.into_iter().map(|one| one.value);
    let mut programmes = programmes.into_iter().map(|one| one.value);
    let first = periods.next().unwrap_or_default();
    let (Some(identifier), Some(title), Some(recipient), Some(funder)) =
        (identifier, title, recipients.next(), funders.next())
    else {
        // What is missing was found above.
        return Err(refusals);
    };
    let grant = Grant {
        identifier,
        title,
        description,
        currency,
        amount_minor,
        awarded_on,
        starts_on: first.starts_on,
        ends_on: first.ends_on,
        duration_months: first.duration_months,
        programme: programmes.next(),
        recipient,
        funder,
        locations,
        data_source,
        wayin_terms: own,
        additional: AdditionalItems {
            recipients: recipients.collect(),
            funders: funders.collect(),
            programmes: programmes.collect(),
            periods: periods.collect(),
        },
    };
    Ok(ParsedRow {
        value: grant,
        warnings,
    })
}

/// Adds all reasons why the grant cannot be taken.
fn add_errors(at: &CellPosition, rows: u32, row: &mut GrantRow, other: Option<&(String, CellPosition)>) {
    if rows == 1 && row.is_unreadable {
        return;
    }
    let names = &row.names;
    let shown = quote(row.identifier.as_deref().unwrap_or_default());
    let is_first = |one: &RowProblem| one.row == at.row && one.sheet == at.sheet;
    if row.is_supplement && row.errors.is_empty() {
        let meant = other.map_or_else(String::new, |(other, _)| {
            format!("; did you mean {}?", quote(other))
        });
        let reason = format!("is {shown}, and no row of the file gives the title of a grant with it{meant}");
        row.errors.push(new_problem(at, names.name_of(path::ID), reason));
        return;
    }
    if rows > 1 && !row.errors.is_empty() && !row.errors.iter().any(is_first) {
        let reason = format!("is {shown}, of which another row is refused, and so the whole grant is");
        row.errors
            .insert(0, new_problem(at, names.name_of(path::ID), reason));
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
        row.errors.push(new_problem(at, names.name_of(path), reason));
    }
    let has_name =
        |parties: &[NumberedItem<PartialParty>]| parties.first().is_some_and(|one| one.value.name.is_some());
    let required = [
        (path::TITLE, row.title.is_some()),
        (path::RECIPIENT_NAME, has_name(&row.recipients)),
        (path::FUNDER_NAME, has_name(&row.funders)),
    ];
    for (path, _) in required.into_iter().filter(|(_, is_there)| !is_there) {
        let fields = [names.name_of(path), path::list_of_path(path)];
        let is_refused = |one: &RowProblem| fields.contains(&one.field.as_str());
        if !row.errors.iter().any(is_refused) {
            row.errors.push(new_problem(
                at,
                names.name_of(path),
                MISSING_FIELD_REASON.to_owned(),
            ));
        }
    }
}

/// Adds warnings about an identifier that is almost another's, and about what most grants have.
fn add_warnings(at: &CellPosition, row: &mut GrantRow, other: Option<&(String, CellPosition)>) {
    let names = row.names.clone();
    if let Some((other, other_at)) = other {
        let reason = format!(
            "is {}, and {} in {} differs in upper and lower case only; they are taken for two grants",
            quote(row.identifier.as_deref().unwrap_or_default()),
            quote(other),
            describe_row(other_at, at)
        );
        row.warnings
            .push(new_problem(at, names.name_of(path::ID), reason));
    }
    let expected = [
        (path::CURRENCY, row.currency.is_some()),
        (path::AMOUNT, row.amount.is_some()),
        (path::AWARDED_ON, row.awarded_on.is_some()),
    ];
    for (path, _) in expected.into_iter().filter(|(_, is_there)| !is_there) {
        let is_warned = row.warnings.iter().any(|one| one.field == names.name_of(path));
        if !is_warned {
            row.warnings.push(new_problem(
                at,
                names.name_of(path),
                describe_omission(MISSING_FIELD_REASON),
            ));
        }
    }
}

/// The amount in the currency's minor unit, with a warning where it is rounded for that or cannot be.
fn amount_in_minor_units(at: &CellPosition, row: &mut GrantRow) -> Option<i64> {
    let text = row.amount.take()?;
    let (minor, warning) = match round_amount(&text, row.currency.as_deref()) {
        Ok((minor, warning)) => (Some(minor), warning),
        Err(reason) => (None, Some(describe_omission(&reason))),
    };
    let field = row.names.name_of(path::AMOUNT);
    row.warnings
        .extend(warning.map(|reason| new_problem(at, field, reason)));
    minor
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
    /// The organisation; one that has an identifier alone is called by that.
    fn into_party(self) -> Option<Party> {
        let name = self.name.or_else(|| self.identifier.clone())?;
        Some(Party {
            identifier: self.identifier,
            name,
        })
    }
}
