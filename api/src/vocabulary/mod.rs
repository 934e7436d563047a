//! The field's closed vocabularies in plain words: a label for every code. The
//! definitions stand with the codes themselves, in `wayin_entity`.

pub mod graphql;
pub mod mutations;
pub mod term;

use wayin_entity::{
    Challenge, Change, Condition, DeliveryTimeline, Dimension, EntryPoint, OrganisationKind, Perspective,
    PlaceKind, Reason, ReportingBasis, ReportingFrequency, Restriction, Role, SourceKind, Step, Visibility,
    WhyMissing,
};

/// A code that has a label.
pub trait Labelled: Copy {
    /// The words for it, in the middle of a sentence.
    fn label(self) -> &'static str;
}

macro_rules! labels {
    ($($name:ident { $($variant:ident => $label:literal,)+ })+) => {
        $(impl Labelled for $name {
            fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }
        })+
    };
}

labels! {
    EntryPoint {
        Collaboration => "collaboration",
        Complexity => "complexity",
        RootCauses => "root causes",
        SingleOrganisation => "a single organisation",
    }
    Perspective {
        Practitioner => "practitioners",
        Funder => "funders",
        NationalCharity => "national charities",
        Community => "the community",
    }
    Challenge {
        UnderstandingLocalSystem => "understanding the local system",
        DefiningAmbitions => "defining their ambitions",
        FosteringConditions => "fostering the conditions for change",
    }
    Step {
        Taken => "taken",
        Rushed => "rushed",
        Skipped => "skipped",
    }
    Reason {
        ShortFunding => "short funding",
        NoUpfrontResource => "no resource up front",
        CollaborationExpected => "collaboration was taken to be systems change",
        SiloedIncentives => "each organisation rewarded for its own part",
        ReportingRequirements => "reporting requirements",
        StaffCapacity => "staff capacity",
        CrisisResponse => "responding to a crisis",
        Other => "another reason",
    }
    Condition {
        Governance => "governance",
        DeliveryTimeline => "the delivery timeline",
        ReportingRequirements => "reporting requirements",
        Incentives => "incentives",
        RelationalSpace => "room for relationships",
    }
    Change {
        Altered => "altered",
        Partly => "altered in part",
        Unchanged => "unchanged",
    }
    Restriction {
        Unrestricted => "unrestricted",
        Restricted => "restricted",
    }
    ReportingFrequency {
        Monthly => "every month",
        Quarterly => "every three months",
        TwiceYearly => "every six months",
        Yearly => "every year",
        EndOnly => "at the end only",
        None => "never",
    }
    ReportingBasis {
        Adaptable => "reporting that may adapt",
        FixedTargets => "fixed targets",
    }
    DeliveryTimeline {
        Adaptable => "a timeline that may move",
        Fixed => "a fixed timeline",
    }
    PlaceKind {
        Neighbourhood => "neighbourhood",
        Ward => "ward",
        Town => "town",
        LocalAuthority => "local authority",
        CombinedAuthority => "combined authority",
        County => "county",
        Region => "region",
        Nation => "nation",
        Country => "country",
    }
    OrganisationKind {
        Funder => "funder",
        DeliveryOrganisation => "delivery organisation",
        NationalCharity => "national charity",
        CommunityGroup => "community group",
        PublicBody => "public body",
    }
    Visibility {
        Open => "open",
        Members => "for members",
        AggregateOnly => "counted only",
    }
    WhyMissing {
        NotAsked => "not asked",
        NoReply => "no reply",
        Withheld => "withheld",
        NotApplicable => "not applicable",
    }
    SourceKind {
        Meeting => "meeting",
        Interview => "interview",
        Evaluation => "evaluation",
        MonitoringReturn => "monitoring return",
        SelfReport => "self-report",
        GrantData => "published grant data",
    }
    Role {
        Funder => "funder",
        Partner => "partner site",
        Dashboard => "dashboard",
        Steward => "steward",
    }
    Dimension {
        Place => "place",
        Region => "region or nation",
        PlaceKind => "kind of place",
        LeadOrganisation => "lead organisation",
        Funder => "funder",
        WayIn => "way in",
        WayInOfFunder => "way in, in the funder's view",
        ChallengeUnderstanding => "understanding the local system",
        ChallengeAmbitions => "defining the ambitions",
        ChallengeConditions => "fostering the conditions for change",
        FundingDurationBand => "length of funding",
        FundingResearch => "research paid for before the work",
        ReportingBasis => "what is reported on",
        IntendedFocus => "entry point that the funder meant to fund",
        YearStarted => "year started",
    }
}

/// A label as a heading: its first letter upper case.
pub fn heading(label: &str) -> String {
    let mut letters = label.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
