//! The dimensions by which initiatives are grouped.

labelled_codes! {
    /// What initiatives can be told apart by.
    Dimension {
        /// The place itself.
        Place = "PLACE", "place";
        /// The region, or the nation where there are no regions.
        Region = "REGION", "region or nation";
        /// What sort of place it is.
        PlaceKind = "PLACE_KIND", "kind of place";
        /// The organisation that leads it.
        LeadOrganisation = "LEAD_ORGANISATION", "lead organisation";
        /// The organisations that give it money; an initiative counts once for each.
        Funder = "FUNDER", "funder";
        /// The first entry point taken, in anybody's view; an initiative counts once for each.
        WayIn = "WAY_IN", "way in";
        /// The first entry point taken in its funders' view.
        WayInOfFunder = "WAY_IN_OF_FUNDER", "way in, in the funder's view";
        /// What became of understanding the local system.
        ChallengeUnderstanding = "CHALLENGE_UNDERSTANDING", "understanding the local system";
        /// What became of defining the ambitions.
        ChallengeAmbitions = "CHALLENGE_AMBITIONS", "defining the ambitions";
        /// What became of fostering the conditions for change.
        ChallengeConditions = "CHALLENGE_CONDITIONS", "fostering the conditions for change";
        /// How long its funding lasts, in bands; an initiative counts once for each.
        FundingDurationBand = "FUNDING_DURATION_BAND", "length of funding";
        /// Whether research before the work was paid for; an initiative counts once for each.
        FundingResearch = "FUNDING_RESEARCH", "research paid for before the work";
        /// What its funders have reported to them; an initiative counts once for each.
        ReportingBasis = "REPORTING_BASIS", "what is reported on";
        /// The entry point that its funders meant to fund; an initiative counts once for each.
        IntendedFocus = "INTENDED_FOCUS", "entry point that the funder meant to fund";
        /// Whether its funding also pays for work in other places; an initiative counts once for each.
        MultiSiteFunding = "MULTI_SITE_FUNDING", "funding that also pays for other places";
        /// The year it started.
        YearStarted = "YEAR_STARTED", "year started";
    }
}
