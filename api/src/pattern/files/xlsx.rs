//! Writes an answer as a workbook: a sheet to read, with a chart, and a sheet of plain data.

use chrono::Datelike as _;
use rust_xlsxwriter::{
    Chart, ChartAxisLabelPosition, ChartErrorBars, ChartErrorBarsType, ChartRange, ChartType,
    ConditionalFormat2ColorScale, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook,
    Worksheet, XlsxError,
};
use wayin_engine::cautions::CautionCode;
use wayin_records::workbook::formula_escape;
use wayin_records::workbook::layout;

use super::details::{DetailLine, ExportDetails};
use super::readable::{ChartShape, RateColumns, ReadableAnswer};
use super::tables::{ExportCell, ExportTable};

const SUMMARY_SHEET: &str = "Summary";
const DATA_SHEET: &str = "Data";
/// The width of the first column of the sheet to read, in characters.
const NAME_WIDTH: u16 = 34;
/// The width of each other column of both sheets, in characters.
const NUMBER_WIDTH: u16 = 14;
/// The last column that a text spans on the sheet to read. Columns are counted from 0.
const LAST_TEXT_COLUMN: u16 = 6;
/// The width of a column of words on the sheet of data, in characters.
const DATA_WORDS_WIDTH: u16 = 28;
/// The rows of a table that a chart draws. More would not be legible.
const MAX_CHART_ROWS: usize = 30;
/// The columns of a matrix that a chart draws. A bar that left out some of its parts would mislead.
const MAX_CHART_PARTS: usize = 12;
const CHART_WIDTH_PIXELS: u32 = 860;
/// The height of a chart without its bars.
const CHART_FRAME_PIXELS: u32 = 140;
/// The height of a bar.
const CHART_BAR_PIXELS: u32 = 22;
const MIN_CHART_HEIGHT_PIXELS: u32 = 260;
const MAX_CHART_HEIGHT_PIXELS: u32 = 1_200;
/// The height of a row of one line.
const ROW_PIXELS: u32 = 20;
/// The longest description of a chart that the format allows, in UTF-16 units.
const MAX_ALT_TEXT_UNITS: usize = 255;
const EMPTY_CELL_NOTE: &str = "An empty cell is not zero: a number may not be shown, or cannot be computed.";

/// Writes the workbook.
pub fn write_workbook(
    details: &ExportDetails,
    readable: &ReadableAnswer,
    data: &ExportTable,
) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    workbook.set_properties(&build_properties(details)?);
    let formats = AnswerCellFormats::new();
    let summary = workbook.add_worksheet();
    summary.set_name(SUMMARY_SHEET)?;
    let mut writer = SummarySheetWriter {
        sheet: summary,
        formats: &formats,
        next_row: 0,
    };
    writer.write(details, readable)?;
    let sheet = workbook.add_worksheet();
    sheet.set_name(DATA_SHEET)?;
    write_data(sheet, &formats, data)?;
    workbook.save_to_buffer()
}

/// The properties of the document. Its date is that of the answer, so that the files of equal answers are equal.
fn build_properties(details: &ExportDetails) -> Result<DocProperties, XlsxError> {
    let changed = details.basis.as_of.changed_at.map(|at| at.date_naive());
    let (year, month, day) = changed.map_or((2026, 1, 1), |date| (date.year(), date.month(), date.day()));
    let [month, day] = [month, day].map(|part| u8::try_from(part).unwrap_or(1));
    let created = ExcelDateTime::from_ymd(u16::try_from(year).unwrap_or(2026), month, day)?;
    Ok(DocProperties::new()
        .set_title(details.request.title)
        .set_creation_datetime(&created))
}

struct AnswerCellFormats {
    title: Format,
    heading: Format,
    headline: Format,
    warning: Format,
    paragraph: Format,
    name: Format,
    header: Format,
    text: Format,
    /// For a text that looks like a formula: the quote prefix keeps it a text when it is edited.
    quoted_text: Format,
    /// Whole numbers, and numbers with one and two decimal places.
    decimals: [Format; 3],
    significant: Format,
}

impl AnswerCellFormats {
    fn new() -> Self {
        let base = Format::new().set_align(FormatAlign::Top);
        let paragraph = base.clone().set_text_wrap();
        Self {
            title: Format::new().set_bold().set_font_size(16),
            heading: Format::new().set_bold().set_font_size(13),
            headline: paragraph.clone().set_bold(),
            warning: paragraph
                .clone()
                .set_bold()
                .set_background_color(0x00FF_F2CC)
                .set_border(FormatBorder::Thin),
            name: paragraph.clone().set_bold(),
            header: paragraph
                .clone()
                .set_bold()
                .set_background_color(0x00DD_EBF7)
                .set_border_bottom(FormatBorder::Thin),
            text: base.clone().set_num_format("@"),
            quoted_text: base.clone().set_num_format("@").set_quote_prefix(),
            decimals: ["0", "0.0", "0.00"].map(|digits| base.clone().set_num_format(digits)),
            significant: base,
            paragraph,
        }
    }
}

/// Writes the sheet to read from the top to the bottom.
struct SummarySheetWriter<'a> {
    sheet: &'a mut Worksheet,
    formats: &'a AnswerCellFormats,
    next_row: u32,
}

impl SummarySheetWriter<'_> {
    fn write(&mut self, details: &ExportDetails, readable: &ReadableAnswer) -> Result<(), XlsxError> {
        let formats = self.formats;
        self.sheet.set_column_width(0, NAME_WIDTH)?;
        let columns = u16::try_from(readable.table.columns.len()).unwrap_or(u16::MAX);
        for column in 1..columns.max(LAST_TEXT_COLUMN + 1) {
            self.sheet.set_column_width(column, NUMBER_WIDTH)?;
        }
        layout::set_up_pages(self.sheet, NAME_WIDTH + NUMBER_WIDTH * LAST_TEXT_COLUMN);
        self.sheet.set_screen_gridlines(false);
        self.write_heading(details.request.title, &formats.title)?;
        if let Some(caution) = details.find_illustrative_caution() {
            self.write_paragraph(&caution.text, &formats.warning)?;
        }
        for (name, text) in &readable.question {
            self.write_pair(name, text)?;
        }
        self.next_row += 1;
        self.write_paragraph(&readable.headline, &formats.headline)?;
        for paragraph in &readable.paragraphs {
            self.write_paragraph(paragraph, &formats.paragraph)?;
        }
        self.next_row += 1;
        self.write_table_and_chart(readable)?;
        self.write_other_figures(details)?;
        self.write_cautions(details, readable)?;
        self.write_citation(details, readable)
    }

    fn write_heading(&mut self, text: &str, format: &Format) -> Result<(), XlsxError> {
        self.sheet
            .write_string_with_format(self.next_row, 0, text, format)?;
        self.sheet.set_row_height(self.next_row, 24)?;
        self.next_row += 1;
        Ok(())
    }

    /// Writes a text across the sheet.
    fn write_paragraph(&mut self, text: &str, format: &Format) -> Result<(), XlsxError> {
        let width = NAME_WIDTH + NUMBER_WIDTH * LAST_TEXT_COLUMN;
        let lines = self.write_across(0, width, text, format)?;
        layout::fit_row_height(self.sheet, self.next_row, lines)?;
        self.next_row += 1;
        Ok(())
    }

    /// Writes a name, and a text beside it.
    fn write_pair(&mut self, name: &str, text: &str) -> Result<(), XlsxError> {
        self.sheet
            .write_string_with_format(self.next_row, 0, name, &self.formats.name)?;
        let width = NUMBER_WIDTH * LAST_TEXT_COLUMN;
        let lines = self.write_across(1, width, text, &self.formats.paragraph)?;
        let lines = lines.max(layout::count_wrapped_lines(name, NAME_WIDTH));
        layout::fit_row_height(self.sheet, self.next_row, lines)?;
        self.next_row += 1;
        Ok(())
    }

    /// Writes a text into the columns from `first`, which are `width` characters wide. Returns the number of its lines.
    fn write_across(
        &mut self,
        first: u16,
        width: u16,
        text: &str,
        format: &Format,
    ) -> Result<u32, XlsxError> {
        let text = layout::truncate_to_cell(text);
        let quoted = format.clone().set_quote_prefix();
        let format = if formula_escape::is_formula_like(text) {
            &quoted
        } else {
            format
        };
        let row = self.next_row;
        self.sheet
            .merge_range(row, first, row, LAST_TEXT_COLUMN, text, format)?;
        Ok(layout::count_wrapped_lines(text, width))
    }

    /// Writes the chart, and the table that it draws below it.
    fn write_table_and_chart(&mut self, readable: &ReadableAnswer) -> Result<(), XlsxError> {
        let table = &readable.table;
        let is_drawn = !table.rows.is_empty()
            && (readable.chart != ChartShape::Matrix || table.columns.len() <= MAX_CHART_PARTS + 1);
        let chart_row = self.next_row;
        let height = compute_chart_height(readable);
        if is_drawn {
            self.next_row += height.div_ceil(ROW_PIXELS) + 1;
            if table.rows.len() > MAX_CHART_ROWS {
                let all = table.rows.len();
                let note =
                    format!("The chart shows the first {MAX_CHART_ROWS} of the {all} rows of the table.");
                self.write_paragraph(&note, &self.formats.paragraph)?;
            }
        }
        self.write_heading("The figures", &self.formats.heading)?;
        self.write_paragraph(readable.counted, &self.formats.paragraph)?;
        if table.rows.iter().flatten().any(|cell| *cell == ExportCell::Empty) {
            self.write_paragraph(EMPTY_CELL_NOTE, &self.formats.paragraph)?;
        }
        let header_row = self.next_row;
        self.next_row += write_table(self.sheet, self.formats, header_row, table)?;
        if readable.chart == ChartShape::Matrix && !table.rows.is_empty() && table.columns.len() > 1 {
            let colours = ConditionalFormat2ColorScale::new()
                .set_minimum_color(0x00FF_FFFF)
                .set_maximum_color(0x005B_9BD5);
            let last_column = to_column(table.columns.len() - 1);
            self.sheet
                .add_conditional_format(header_row + 1, 1, self.next_row - 1, last_column, &colours)?;
        }
        if is_drawn {
            let mut chart = build_chart(readable, header_row);
            chart
                .set_width(CHART_WIDTH_PIXELS)
                .set_height(height)
                .set_alt_text(layout::truncate_to_units(&readable.headline, MAX_ALT_TEXT_UNITS));
            self.sheet.insert_chart(chart_row, 0, &chart)?;
        }
        self.next_row += 1;
        Ok(())
    }

    fn write_cautions(
        &mut self,
        details: &ExportDetails,
        readable: &ReadableAnswer,
    ) -> Result<(), XlsxError> {
        // The caution about illustrative records is at the top.
        let cautions = details.cautions.iter();
        let cautions = cautions.filter(|caution| caution.code != CautionCode::Illustrative);
        let cautions = cautions.map(|caution| caution.text.as_str());
        let texts: Vec<&str> = readable.advice.into_iter().chain(cautions).collect();
        if texts.is_empty() {
            return Ok(());
        }
        self.write_heading("Before you use this", &self.formats.heading)?;
        for text in texts {
            self.write_paragraph(text, &self.formats.paragraph)?;
        }
        self.next_row += 1;
        Ok(())
    }

    /// Writes the figures that are not about a row of the table.
    fn write_other_figures(&mut self, details: &ExportDetails) -> Result<(), XlsxError> {
        if details.figures.is_empty() {
            return Ok(());
        }
        self.write_heading("Other figures", &self.formats.heading)?;
        for line in &details.figures {
            self.write_detail(line)?;
        }
        self.next_row += 1;
        Ok(())
    }

    fn write_citation(
        &mut self,
        details: &ExportDetails,
        readable: &ReadableAnswer,
    ) -> Result<(), XlsxError> {
        self.write_heading("How to cite", &self.formats.heading)?;
        self.write_pair("source", &details.render_source())?;
        self.write_pair("licence", &details.request.licence)?;
        self.write_pair("records", readable.counted)?;
        for line in details.list_date_lines() {
            self.write_detail(&line)?;
        }
        for (name, text) in &details.request.parameters {
            self.write_pair(name, text)?;
        }
        self.write_paragraph(
            "The sheet \u{201c}Data\u{201d} has the same figures as the CSV file.",
            &self.formats.paragraph,
        )
    }

    fn write_detail(&mut self, (name, cell): &DetailLine) -> Result<(), XlsxError> {
        match cell {
            ExportCell::Text(text) => self.write_pair(name, text),
            ExportCell::Empty => self.write_pair(name, "not shown"),
            cell => self.write_pair(name, &cell.format_number().unwrap_or_default()),
        }
    }
}

/// Writes the sheet of data, with a filter above each column.
fn write_data(
    sheet: &mut Worksheet,
    formats: &AnswerCellFormats,
    data: &ExportTable,
) -> Result<(), XlsxError> {
    let mut widths = 0;
    for (column, position) in (0..data.columns.len()).map(|column| (column, to_column(column))) {
        let has_words = data
            .rows
            .iter()
            .any(|row| matches!(row.get(column), Some(ExportCell::Text(words)) if words.len() > 8));
        let width = if has_words { DATA_WORDS_WIDTH } else { NUMBER_WIDTH };
        widths += width;
        sheet.set_column_width(position, width)?;
    }
    write_table(sheet, formats, 0, data)?;
    sheet.set_freeze_panes(1, 0)?;
    layout::set_up_pages(sheet, widths);
    sheet.set_repeat_rows(0, 0)?;
    if !data.rows.is_empty() && !data.columns.is_empty() {
        let last_row = u32::try_from(data.rows.len()).unwrap_or(u32::MAX);
        sheet.autofilter(0, 0, last_row, to_column(data.columns.len() - 1))?;
    }
    Ok(())
}

/// Writes a row of headers and the rows of a table. Returns the number of rows.
fn write_table(
    sheet: &mut Worksheet,
    formats: &AnswerCellFormats,
    first_row: u32,
    table: &ExportTable,
) -> Result<u32, XlsxError> {
    let mut header_lines = 1;
    for (column, header) in table.columns.iter().enumerate() {
        sheet.write_string_with_format(first_row, to_column(column), header, &formats.header)?;
        let width = if column == 0 { NAME_WIDTH } else { NUMBER_WIDTH };
        header_lines = header_lines.max(layout::count_wrapped_lines(header, width));
    }
    layout::fit_row_height(sheet, first_row, header_lines)?;
    let mut row = first_row;
    for cells in &table.rows {
        row += 1;
        for (column, cell) in cells.iter().enumerate() {
            write_cell(sheet, formats, (row, to_column(column)), cell)?;
        }
    }
    Ok(row - first_row + 1)
}

/// Writes a cell. A text is always a string, never a formula.
fn write_cell(
    sheet: &mut Worksheet,
    formats: &AnswerCellFormats,
    (row, column): (u32, u16),
    cell: &ExportCell,
) -> Result<(), XlsxError> {
    if let ExportCell::Text(words) = cell {
        let format = if formula_escape::is_formula_like(words) {
            &formats.quoted_text
        } else {
            &formats.text
        };
        sheet.write_string_with_format(row, column, layout::truncate_to_cell(words), format)?;
    } else if let Some(number) = cell.to_number() {
        let format = match cell {
            ExportCell::Integer(_) => Some(&formats.decimals[0]),
            ExportCell::Decimal { places, .. } => formats.decimals.get(usize::from(*places)),
            _ => None,
        };
        let format = format.unwrap_or(&formats.significant);
        sheet.write_number_with_format(row, column, number, format)?;
    }
    Ok(())
}

/// The height of the chart of an answer in pixels.
fn compute_chart_height(readable: &ReadableAnswer) -> u32 {
    let rows = readable.table.rows.len().min(MAX_CHART_ROWS);
    let bars = match &readable.chart {
        ChartShape::Rates { columns, .. } => rows * columns.len(),
        ChartShape::Matrix => rows,
        // The columns of this chart stand beside each other.
        ChartShape::Counts => 12,
    };
    let bars = u32::try_from(bars).unwrap_or(u32::MAX);
    bars.saturating_mul(CHART_BAR_PIXELS)
        .saturating_add(CHART_FRAME_PIXELS)
        .clamp(MIN_CHART_HEIGHT_PIXELS, MAX_CHART_HEIGHT_PIXELS)
}

/// Builds the chart of a table whose headers are in `header_row` of the sheet to read.
fn build_chart(readable: &ReadableAnswer, header_row: u32) -> Chart {
    let rows = u32::try_from(readable.table.rows.len().min(MAX_CHART_ROWS)).unwrap_or(0);
    let range = |column: u16| {
        ChartRange::new_from_range(SUMMARY_SHEET, header_row + 1, column, header_row + rows, column)
    };
    match &readable.chart {
        ChartShape::Rates { title, columns } => build_rate_chart(title, columns, &range),
        ChartShape::Counts => {
            let mut chart = Chart::new(ChartType::Column);
            chart
                .add_series()
                .set_categories(&range(0))
                .set_values(&range(1))
                .set_gap(50);
            chart.title().set_name("Initiatives");
            chart.y_axis().set_min(0);
            chart.legend().set_hidden();
            chart
        }
        ChartShape::Matrix => {
            let mut chart = Chart::new(ChartType::BarStacked);
            for column in 1..to_column(readable.table.columns.len()) {
                chart
                    .add_series()
                    .set_name((SUMMARY_SHEET, header_row, column))
                    .set_categories(&range(0))
                    .set_values(&range(column))
                    .set_gap(50);
            }
            chart.title().set_name("Initiatives");
            start_at_top(&mut chart);
            chart
        }
    }
}

/// Bars of rates from 0 to 100%, with their 95% intervals.
fn build_rate_chart(title: &str, rates: &[RateColumns], range: &dyn Fn(u16) -> ChartRange) -> Chart {
    let mut chart = Chart::new(ChartType::Bar);
    for columns in rates {
        let mut intervals = ChartErrorBars::new();
        intervals.set_type(ChartErrorBarsType::Custom(
            range(columns.above),
            range(columns.below),
        ));
        chart
            .add_series()
            .set_name(columns.name)
            .set_categories(&range(0))
            .set_values(&range(columns.rate))
            // The error bars of horizontal bars are along the x axis.
            .set_x_error_bars(&intervals)
            .set_gap(60);
    }
    chart.title().set_name(title);
    chart.x_axis().set_min(0).set_max(100);
    start_at_top(&mut chart);
    if rates.len() == 1 {
        chart.legend().set_hidden();
    }
    chart
}

/// Draws the first row of the table at the top of a chart of horizontal bars. The numbers stay at the bottom.
fn start_at_top(chart: &mut Chart) {
    chart.y_axis().set_reverse();
    chart.x_axis().set_label_position(ChartAxisLabelPosition::High);
}

fn to_column(position: usize) -> u16 {
    u16::try_from(position).unwrap_or(u16::MAX)
}
