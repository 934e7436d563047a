//! Files that are imported, and the outcome of an import.

codes! {
    /// What a file contains.
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
        /// Saves all records as drafts.
        Draft = "DRAFT";
        /// Submits the records that have no problems for review, and saves the others as drafts.
        Submit = "SUBMIT";
        /// Publishes all records that have no problems at once. For the command line.
        Publish = "PUBLISH";
    }
}

codes! {
    /// The state of an import.
    ImportState {
        /// The file is stored. No row is imported yet.
        Queued = "QUEUED";
        /// Rows are being imported.
        Running = "RUNNING";
        /// Every row has an outcome.
        Completed = "COMPLETED";
        /// The file could not be read to its end. Rows that were imported before the failure stay imported.
        Failed = "FAILED";
    }
}

codes! {
    /// The outcome of a row.
    RowOutcome {
        /// The record was saved as a draft.
        Drafted = "DRAFTED";
        /// The record was submitted for review.
        Submitted = "SUBMITTED";
        /// The record was published.
        Published = "PUBLISHED";
        /// The record was already the same.
        Unchanged = "UNCHANGED";
        /// The record has problems and was not submitted. It was saved as a draft.
        Invalid = "INVALID";
        /// The record could not be saved. Correct it in the file.
        Rejected = "REJECTED";
    }
}

codes! {
    /// The format of a file.
    FileFormat {
        /// JSON Lines: one JSON object on each line.
        JsonLines = "JSON_LINES";
        /// A JSON document.
        Json = "JSON";
        /// A table as comma-separated text.
        Csv = "CSV";
        /// An Excel workbook (`.xlsx`).
        Xlsx = "XLSX";
        /// An OpenDocument spreadsheet (`.ods`).
        Ods = "ODS";
    }
}
