//! The dimensions by which initiatives are grouped.

labelled_codes! {
    /// A characteristic to group initiatives by.
    Dimension {
        /// The place.
        Place = "PLACE", "place";
        /// The region, or the nation if it has no regions.
        Region = "REGION", "region or nation";
        /// The kind of place.
        PlaceKind = "PLACE_KIND", "kind of place";
        /// The lead organisation.
        LeadOrganisation = "LEAD_ORGANISATION", "lead organisation";
        /// The kind of the lead organisation.
        LeadOrganisationKind = "LEAD_ORGANISATION_KIND", "kind of lead organisation";
        /// The funders. An initiative counts once for each of its funders.
        Funder = "FUNDER", "funder";
        /// The way in (the first entry point taken) from any perspective. An initiative counts once for
        /// each way in.
        WayIn = "WAY_IN", "way in";
        /// The way in (the first entry point taken) from the practitioner's perspective.
        WayInOfPractitioner = "WAY_IN_OF_PRACTITIONER", "way in, in the practitioner's view";
        /// The way in (the first entry point taken) from the funder's perspective.
        WayInOfFunder = "WAY_IN_OF_FUNDER", "way in, in the funder's view";
        /// The way in (the first entry point taken) from the national charity's perspective.
        WayInOfNationalCharity = "WAY_IN_OF_NATIONAL_CHARITY", "way in, in the national charity's view";
        /// The way in (the first entry point taken) from the community's perspective.
        WayInOfCommunity = "WAY_IN_OF_COMMUNITY", "way in, in the community's view";
        /// All challenges together: each challenge with what happened to its step. An initiative counts once
        /// for each challenge whose step is known.
        Challenge = "CHALLENGE", "challenges and their steps";
        /// Whether the step of understanding the local system was taken.
        ChallengeUnderstanding = "CHALLENGE_UNDERSTANDING", "understanding the local system";
        /// Whether the step of defining the ambitions was taken.
        ChallengeAmbitions = "CHALLENGE_AMBITIONS", "defining the ambitions";
        /// Whether the step of fostering the conditions for change was taken.
        ChallengeConditions = "CHALLENGE_CONDITIONS", "fostering the conditions for change";
        /// The reasons for what happened to the steps of all challenges. An initiative counts once for each
        /// reason. One that gives no reason is in the group "Not known".
        Reason = "REASON", "reason for how a step went";
        /// The conditions for change that were altered, at least in part. An initiative counts once for each
        /// of them. If all conditions on record are unchanged, it is in the group `UNCHANGED`.
        ConditionChanged = "CONDITION_CHANGED", "condition that changed";
        /// The length of the funding, in bands. An initiative counts once for each band of its funding
        /// terms.
        FundingDurationBand = "FUNDING_DURATION_BAND", "length of funding";
        /// Whether the funding paid for research before the work. An initiative counts once for each answer
        /// of its funding terms.
        FundingResearch = "FUNDING_RESEARCH", "research paid for before the work";
        /// How long the research before the work was that the funding paid for, in bands of months. An
        /// initiative counts once for each band of its funding terms. A term that paid for no research is in
        /// the group `NONE`.
        UpfrontResearchMonthsBand = "UPFRONT_RESEARCH_MONTHS_BAND", "months of research paid for before the work";
        /// How often funders require a report. An initiative counts once for each answer of its funding
        /// terms.
        ReportingFrequency = "REPORTING_FREQUENCY", "how often is reported";
        /// What funders require reports on. An initiative counts once for each answer of its funding terms.
        ReportingBasis = "REPORTING_BASIS", "what is reported on";
        /// The entry point that funders intended to fund. An initiative counts once for each answer of its
        /// funding terms.
        IntendedFocus = "INTENDED_FOCUS", "entry point that the funder meant to fund";
        /// Whether the funding also pays for work in other places. An initiative counts once for each
        /// answer of its funding terms.
        MultiSiteFunding = "MULTI_SITE_FUNDING", "funding that also pays for other places";
        /// The year the initiative started.
        YearStarted = "YEAR_STARTED", "year started";
    }
}
