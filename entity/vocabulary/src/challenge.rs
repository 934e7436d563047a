//! The challenges that initiatives meet, and how they go about them.

labelled_codes! {
    /// A challenge that meets those who start from collaboration alone.
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
    /// What became of the step that answers a challenge.
    ChallengeStep {
        /// It was taken.
        Taken = "TAKEN", "taken";
        /// It was taken in a hurry.
        Rushed = "RUSHED", "rushed";
        /// It was left out.
        Skipped = "SKIPPED", "skipped";
    }
}

labelled_codes! {
    /// Why a step was hurried or left out.
    ChallengeReason {
        /// The funding was too short for it.
        ShortFunding = "SHORT_FUNDING", "short funding";
        /// Nobody paid for work before the work.
        NoUpfrontResource = "NO_UPFRONT_RESOURCE", "no resource up front";
        /// The funder took collaboration to be systems change.
        CollaborationExpected = "COLLABORATION_EXPECTED", "collaboration was taken to be systems change";
        /// Each organisation was rewarded for its own part alone.
        SiloedIncentives = "SILOED_INCENTIVES", "each organisation rewarded for its own part";
        /// Reporting asked for something else.
        ReportingRequirements = "REPORTING_REQUIREMENTS", "reporting requirements";
        /// There were too few people, or they had too little time.
        StaffCapacity = "STAFF_CAPACITY", "staff capacity";
        /// A crisis came first.
        CrisisResponse = "CRISIS_RESPONSE", "responding to a crisis";
        /// A crisis or scarce money made organisations compete for resources and protect their own.
        CompetitionForResources = "COMPETITION_FOR_RESOURCES", "competition for resources";
        /// Something else.
        Other = "OTHER", "another reason";
    }
}
