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
    /// What becomes of the records of a file.
    ImportAs {
        /// They are kept as drafts.
        Drafts = "DRAFTS";
        /// Those that nothing stands against are sent in; the others are kept as drafts.
        Sent = "SENT";
    }
}

codes! {
    /// Where an import stands.
    ImportState {
        /// Its file is kept, and nothing of it is taken in yet.
        Waiting = "WAITING";
        /// Its rows are being taken in.
        Running = "RUNNING";
        /// Every row came to something.
        Done = "DONE";
        /// The file could not be read, or not to its end; what was taken in before that stays.
        Refused = "REFUSED";
    }
}

codes! {
    /// What a row came to.
    RowOutcome {
        /// It is kept as a draft.
        Drafted = "DRAFTED";
        /// It was sent in.
        Sent = "SENT";
        /// It was published.
        Published = "PUBLISHED";
        /// It stood so already.
        Unchanged = "UNCHANGED";
        /// Something stands against sending it: it is kept as a draft, to be mended.
        NotRight = "NOT_RIGHT";
        /// It could not be kept; it is to be mended in the file.
        Refused = "REFUSED";
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
