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
        /// The funders. An initiative counts once for each of its funders.
        Funder = "FUNDER", "funder";
        /// The way in (the first entry point taken) from any perspective. An initiative counts once for
        /// each way in.
        WayIn = "WAY_IN", "way in";
        /// The way in (the first entry point taken) from the funder's perspective.
        WayInOfFunder = "WAY_IN_OF_FUNDER", "way in, in the funder's view";
        /// Whether the step of understanding the local system was taken.
        ChallengeUnderstanding = "CHALLENGE_UNDERSTANDING", "understanding the local system";
        /// Whether the step of defining the ambitions was taken.
        ChallengeAmbitions = "CHALLENGE_AMBITIONS", "defining the ambitions";
        /// Whether the step of fostering the conditions for change was taken.
        ChallengeConditions = "CHALLENGE_CONDITIONS", "fostering the conditions for change";
        /// The length of the funding, in bands. An initiative counts once for each band of its funding
        /// terms.
        FundingDurationBand = "FUNDING_DURATION_BAND", "length of funding";
        /// Whether the funding paid for research before the work. An initiative counts once for each answer
        /// of its funding terms.
        FundingResearch = "FUNDING_RESEARCH", "research paid for before the work";
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
