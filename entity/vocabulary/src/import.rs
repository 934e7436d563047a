//! Files that are imported, and the outcome of an import.

codes! {
    /// What a file holds.
    ImportKind {
        /// Initiative records of one organisation.
        Records = "RECORDS";
        /// Published grants in the 360Giving Data Standard.
        Grants360Giving = "GRANTS_360GIVING";
    }
}

codes! {
    /// What an import does with the records of a file.
    ImportMode {
        /// They are saved as drafts.
        Draft = "DRAFT";
        /// Those that nothing stands against are sent in; the others are saved as drafts.
        Submit = "SUBMIT";
    }
}

codes! {
    /// The state of an import.
    ImportState {
        /// The file is stored, and no row is imported yet.
        Queued = "QUEUED";
        /// Rows are being imported.
        Running = "RUNNING";
        /// Every row has an outcome.
        Completed = "COMPLETED";
        /// The file could not be read to its end. Rows that were imported before stay imported.
        Failed = "FAILED";
    }
}

codes! {
    /// The outcome of a row.
    RowOutcome {
        /// It is saved as a draft.
        Drafted = "DRAFTED";
        /// It was submitted for review.
        Submitted = "SUBMITTED";
        /// It was published.
        Published = "PUBLISHED";
        /// The record was already the same.
        Unchanged = "UNCHANGED";
        /// It was not submitted, because it has problems. It is saved as a draft.
        Invalid = "INVALID";
        /// It could not be saved. Correct it in the file.
        Rejected = "REJECTED";
    }
}

codes! {
    /// The format of a file.
    FileFormat {
        /// One JSON object a line.
        JsonLines = "JSON_LINES";
        /// A JSON document.
        Json = "JSON";
        /// A table as text.
        Csv = "CSV";
        /// A workbook of Office Open XML (`.xlsx`).
        Xlsx = "XLSX";
        /// An open document spreadsheet (`.ods`).
        Ods = "ODS";
    }
}
