//! The roles of members.

labelled_codes! {
    /// What a member may do.
    Role {
        /// Queries patterns across a portfolio.
        Funder = "FUNDER", "funder";
        /// Sends in the records of its own organisation.
        Partner = "PARTNER", "partner site";
        /// Reads what is open, for a dashboard of its own.
        Dashboard = "DASHBOARD", "dashboard";
        /// Keeps the evidence base.
        Steward = "STEWARD", "steward";
    }
}
