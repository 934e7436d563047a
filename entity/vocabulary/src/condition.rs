//! The conditions for change, and whether they changed.

labelled_codes! {
    /// A condition for change: something that decides whether adaptive, relational work can last.
    Condition {
        /// How decisions are made and who makes them.
        Governance = "GOVERNANCE", "governance";
        /// When things have to be delivered.
        DeliveryTimeline = "DELIVERY_TIMELINE", "the delivery timeline";
        /// What has to be reported, and how often.
        ReportingRequirements = "REPORTING_REQUIREMENTS", "reporting requirements";
        /// What people and organisations are rewarded for.
        Incentives = "INCENTIVES", "incentives";
        /// Time and space to build trust.
        RelationalSpace = "RELATIONAL_SPACE", "room for relationships";
    }
}

labelled_codes! {
    /// How far a condition for change was altered.
    ChangeExtent {
        /// The condition was altered.
        Altered = "ALTERED", "altered";
        /// The condition was altered in part.
        Partly = "PARTLY", "altered in part";
        /// The condition was not altered.
        Unchanged = "UNCHANGED", "unchanged";
    }
}
