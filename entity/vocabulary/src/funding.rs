//! The terms that funding comes with.

labelled_codes! {
    /// Whether the money may be used for anything.
    Restriction {
        /// It may be used for whatever the organisation exists for.
        Unrestricted = "UNRESTRICTED", "unrestricted";
        /// It may be used for the stated purpose alone.
        Restricted = "RESTRICTED", "restricted";
    }
}

labelled_codes! {
    /// How often the funder asks for a report.
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
    /// What is reported on.
    ReportingBasis {
        /// What is reported may change as the work learns.
        Adaptable = "ADAPTABLE", "reporting that may adapt";
        /// Targets that were set at the start.
        FixedTargets = "FIXED_TARGETS", "fixed targets";
    }
}

labelled_codes! {
    /// Whether the plan may move.
    DeliveryTimeline {
        /// It may move as the work learns.
        Adaptable = "ADAPTABLE", "a timeline that may move";
        /// It was set at the start.
        Fixed = "FIXED", "a fixed timeline";
    }
}
