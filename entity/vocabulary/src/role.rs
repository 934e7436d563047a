//! The roles of members.

labelled_codes! {
    /// The role of a member, which decides what the member can do.
    Role {
        /// Queries patterns across a portfolio.
        Funder = "FUNDER", "funder";
        /// Submits the records of its own organisation.
        Partner = "PARTNER", "partner site";
        /// Reads open records, for its own dashboard.
        Dashboard = "DASHBOARD", "dashboard";
        /// Maintains the evidence base.
        Steward = "STEWARD", "steward";
    }
}
