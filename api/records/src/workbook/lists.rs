//! The drop-downs of a workbook, and the hidden sheet with their words.

use std::collections::BTreeMap;

use rust_xlsxwriter::{DataValidation, DataValidationErrorStyle, Formula, Workbook};

use super::vocabulary::Vocabulary;
use super::writer::WriteError;
use crate::fields::column::{Column, ColumnKind, LISTS};

/// The sheet with the words of the drop-downs, and the position of each list on it.
pub(super) struct DropDownLists {
    /// For each list: its column, the last row of its own words, and the last row of the missing reasons below them.
    /// The list without a vocabulary is "yes" and "no".
    ranges: BTreeMap<Option<Vocabulary>, (String, u32, u32)>,
}

impl DropDownLists {
    pub(super) fn write(workbook: &mut Workbook) -> Result<Self, WriteError> {
        let worksheet = workbook.add_worksheet();
        worksheet.set_name(LISTS)?.set_hidden(true);
        let mut ranges = BTreeMap::new();
        let lists = std::iter::once(None).chain(Vocabulary::ALL.iter().copied().map(Some));
        for (list, place) in lists.zip(0_u16..) {
            let (heading, mut words) = match list {
                None => ("Yes or no", vec!["Yes".to_owned(), "No".to_owned()]),
                Some(list) => (
                    list.heading(),
                    list.words().iter().map(|word| word.display_text()).collect(),
                ),
            };
            let own = words.len();
            if list != Some(Vocabulary::MissingReason) {
                let reasons = Vocabulary::MissingReason.words().iter();
                words.extend(reasons.map(|word| word.display_text()));
            }
            worksheet.write_string(0, place, heading)?;
            worksheet.set_column_width(place, 28)?;
            for (word, row) in words.iter().zip(1..) {
                worksheet.write_string(row, place, word)?;
            }
            let last = |words: usize| u32::try_from(words + 1).unwrap_or(u32::MAX);
            let letters = rust_xlsxwriter::utility::column_number_to_name(place);
            ranges.insert(list, (letters, last(own), last(words.len())));
        }
        Ok(Self { ranges })
    }

    /// Returns the drop-down of a column, if it has one.
    pub(super) fn drop_down(&self, column: &Column) -> Result<Option<DataValidation>, WriteError> {
        let list = match column.kind {
            ColumnKind::YesNo => None,
            ColumnKind::Code(vocabulary) | ColumnKind::Codes(vocabulary) => Some(vocabulary),
            ColumnKind::MissingReason => Some(Vocabulary::MissingReason),
            ColumnKind::Text | ColumnKind::Date | ColumnKind::Whole | ColumnKind::Money => return Ok(None),
        };
        let Some((letters, own, all)) = self.ranges.get(&list) else {
            return Ok(None);
        };
        let last = if column.accepts_missing_reason { all } else { own };
        let range = Formula::new(format!("={LISTS}!${letters}$2:${letters}${last}"));
        let choice = DataValidation::new()
            .allow_list_formula(range)
            .set_error_style(DataValidationErrorStyle::Warning)
            .set_error_title("Not a word of the list")?
            .set_error_message("Choose one of the list, or leave the cell empty where you do not know.")?;
        // A cell of codes may have several words, which would not be in the list.
        let is_single = !matches!(column.kind, ColumnKind::Codes(_));
        Ok(Some(choice.show_error_message(is_single)))
    }
}
