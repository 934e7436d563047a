//! The states of a submission.

codes! {
    /// The state of a submission.
    SubmissionState {
        /// The record is being written.
        Draft = "DRAFT";
        /// The record is waiting for review.
        Submitted = "SUBMITTED";
        /// A steward returned the record with a note that says what to change.
        ChangesRequested = "CHANGES_REQUESTED";
        /// The record is published.
        Published = "PUBLISHED";
        /// The submission was discarded.
        Discarded = "DISCARDED";
    }
}
