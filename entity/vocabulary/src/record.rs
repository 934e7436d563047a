//! Who may read a record, why its answers are missing, and where it comes from.

labelled_codes! {
    /// Who may read a record, beside its own organisation and stewards.
    Visibility {
        /// Any member or dashboard may read the record.
        Open = "OPEN", "open";
        /// Partners and funders may read the record.
        Members = "MEMBERS", "for members";
        /// Everyone else only counts it; its funders read its title, its place and their own terms.
        AggregateOnly = "AGGREGATE_ONLY", "counted only";
    }
}

labelled_codes! {
    /// Why an answer is missing.
    MissingReason {
        /// Nobody asked.
        NotAsked = "NOT_ASKED", "not asked";
        /// It was asked, and nobody answered.
        NoReply = "NO_REPLY", "no reply";
        /// It is known, and may not be passed on.
        Withheld = "WITHHELD", "withheld";
        /// The question does not apply.
        NotApplicable = "NOT_APPLICABLE", "not applicable";
    }
}

labelled_codes! {
    /// What sort of source it is.
    SourceKind {
        /// A meeting of the community of practice.
        Meeting = "MEETING", "meeting";
        /// An interview.
        Interview = "INTERVIEW", "interview";
        /// An evaluation.
        Evaluation = "EVALUATION", "evaluation";
        /// A return made to a funder.
        MonitoringReturn = "MONITORING_RETURN", "monitoring return";
        /// What the organisation says of itself.
        SelfReport = "SELF_REPORT", "self-report";
        /// Published data about grants.
        GrantData = "GRANT_DATA", "published grant data";
    }
}
