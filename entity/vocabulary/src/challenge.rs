//! The challenges that initiatives meet, and how they go about them.

labelled_codes! {
    /// A challenge for initiatives that start from collaboration alone.
    Challenge {
        /// Finding out, before the work starts, what the issues are and how the local system produces them.
        UnderstandingLocalSystem = "UNDERSTANDING_LOCAL_SYSTEM", "understanding the local system";
        /// Agreeing together what should change.
        DefiningAmbitions = "DEFINING_AMBITIONS", "defining their ambitions";
        /// Making governance, timelines, reporting and incentives fit for adaptive, relational work.
        FosteringConditions = "FOSTERING_CONDITIONS", "fostering the conditions for change";
    }
}

labelled_codes! {
    /// Whether the step that a challenge asks for was taken.
    ChallengeStep {
        /// The step was taken.
        Taken = "TAKEN", "taken";
        /// The step was taken in less time than it needed.
        Rushed = "RUSHED", "rushed";
        /// The step was left out.
        Skipped = "SKIPPED", "skipped";
    }
}

labelled_codes! {
    /// Why a step was rushed or skipped.
    ChallengeReason {
        /// The funding was too short.
        ShortFunding = "SHORT_FUNDING", "short funding";
        /// Nobody paid for preparation before the work started.
        NoUpfrontResource = "NO_UPFRONT_RESOURCE", "no resource up front";
        /// The funder assumed that collaboration is systems change.
        CollaborationExpected = "COLLABORATION_EXPECTED", "collaboration was taken to be systems change";
        /// Each organisation was rewarded only for its own part.
        SiloedIncentives = "SILOED_INCENTIVES", "each organisation rewarded for its own part";
        /// Reporting requirements asked for something else.
        ReportingRequirements = "REPORTING_REQUIREMENTS", "reporting requirements";
        /// There were too few staff, or they had too little time.
        StaffCapacity = "STAFF_CAPACITY", "staff capacity";
        /// Responding to a crisis came first.
        CrisisResponse = "CRISIS_RESPONSE", "responding to a crisis";
        /// A crisis or scarce money made organisations compete for resources and protect their own.
        CompetitionForResources = "COMPETITION_FOR_RESOURCES", "competition for resources";
        /// Another reason.
        Other = "OTHER", "another reason";
    }
}
