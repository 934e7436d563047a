//! The states of a submission.

codes! {
    /// Where a submission stands.
    SubmissionState {
        /// Being written.
        Draft = "DRAFT";
        /// Sent in, waiting for review.
        Submitted = "SUBMITTED";
        /// Sent back with a note.
        ChangesRequested = "CHANGES_REQUESTED";
        /// Published.
        Published = "PUBLISHED";
        /// Given up.
        Discarded = "DISCARDED";
    }
}
