//! Who may read a record, why its answers are missing, and where it comes from.

labelled_codes! {
    /// Who can read a record, in addition to its own organisation and stewards.
    Visibility {
        /// Any member or dashboard can read the record.
        Open = "OPEN", "open";
        /// Partners and funders can read the record.
        Members = "MEMBERS", "for members";
        /// Everyone else can only count the record. Its funders can also read its title, its place and
        /// their own terms.
        AggregateOnly = "AGGREGATE_ONLY", "counted only";
    }
}

codes! {
    /// Readers who can see the same records, apart from those that their own organisations lead or fund.
    Audience {
        /// Dashboards, and readers without an organisation.
        Dashboards = "DASHBOARDS";
        /// Funders and partners with an organisation.
        Members = "MEMBERS";
    }
}

impl Audience {
    /// The number of audiences.
    pub const COUNT: usize = Self::ALL.len();

    /// Whether the whole audience can see a record.
    pub const fn can_view_fully(self, visibility: Visibility) -> bool {
        match visibility {
            Visibility::Open => true,
            Visibility::Members => matches!(self, Self::Members),
            Visibility::AggregateOnly => false,
        }
    }
}

labelled_codes! {
    /// Why an answer is missing.
    MissingReason {
        /// The question was not asked.
        NotAsked = "NOT_ASKED", "not asked";
        /// The question was asked, but there was no reply.
        NoReply = "NO_REPLY", "no reply";
        /// The answer is known, but cannot be shared.
        Withheld = "WITHHELD", "withheld";
        /// The question does not apply.
        NotApplicable = "NOT_APPLICABLE", "not applicable";
    }
}

labelled_codes! {
    /// A kind of source.
    SourceKind {
        /// A meeting of the community of practice.
        Meeting = "MEETING", "meeting";
        /// An interview.
        Interview = "INTERVIEW", "interview";
        /// An evaluation.
        Evaluation = "EVALUATION", "evaluation";
        /// A monitoring return to a funder.
        MonitoringReturn = "MONITORING_RETURN", "monitoring return";
        /// A statement by the organisation about itself.
        SelfReport = "SELF_REPORT", "self-report";
        /// Published data about grants.
        GrantData = "GRANT_DATA", "published grant data";
    }
}
