//! The terms that funding comes with.

labelled_codes! {
    /// Whether the money can be used for any purpose.
    Restriction {
        /// The money can be used for any purpose of the organisation.
        Unrestricted = "UNRESTRICTED", "unrestricted";
        /// The money can only be used for the stated purpose.
        Restricted = "RESTRICTED", "restricted";
    }
}

labelled_codes! {
    /// How often the funder requires a report.
    ReportingFrequency {
        /// Every month.
        Monthly = "MONTHLY", "every month";
        /// Every three months.
        Quarterly = "QUARTERLY", "every three months";
        /// Every six months.
        TwiceYearly = "TWICE_YEARLY", "every six months";
        /// Every year.
        Yearly = "YEARLY", "every year";
        /// Once, at the end.
        EndOnly = "END_ONLY", "at the end only";
        /// Never.
        None = "NONE", "never";
    }
}

labelled_codes! {
    /// What the funder requires reports on.
    ReportingBasis {
        /// Reports can change as the work learns.
        Adaptable = "ADAPTABLE", "reporting that may adapt";
        /// Reports are on targets that were set at the start.
        FixedTargets = "FIXED_TARGETS", "fixed targets";
    }
}

labelled_codes! {
    /// Whether the delivery timeline can change.
    DeliveryTimeline {
        /// The timeline can change as the work learns.
        Adaptable = "ADAPTABLE", "a timeline that may move";
        /// The timeline was fixed at the start.
        Fixed = "FIXED", "a fixed timeline";
    }
}
