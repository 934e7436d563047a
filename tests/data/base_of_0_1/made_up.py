"""The made-up content of the base: places, records, grants, reference data and files."""

PLACES = """code,name,kind,within,successor
E92000001,England,NATION,,
E12000001,North East,REGION,E92000001,
E12000005,West Midlands,REGION,E92000001,
E06000001,Hartlepool,LOCAL_AUTHORITY,E12000001,
E06000002,Middlesbrough,LOCAL_AUTHORITY,E12000001,
E08000025,Birmingham,LOCAL_AUTHORITY,E12000005,
E07000001,Old Borough,LOCAL_AUTHORITY,,E08000025
"""

SHARING = {"basis": "The example board agreed", "licence": "CC-BY-4.0", "confirmedBy": "the board",
           "confirmedOn": "2024-01-31"}
FUNDER = {"identifier": "GB-CHC-900", "name": "Example Funder", "kind": "FUNDER"}
OTHER_FUNDER = {"identifier": "GB-CHC-901", "name": "Other Example Funder", "kind": "FUNDER"}


def term(months, funder=FUNDER, **fields):
    return {"funder": funder, "durationMonths": months, **fields}


def challenge(kind, step, *reasons, **fields):
    return {"challenge": kind, "step": step, "reasons": list(reasons), **fields}


def record(reference, place="E06000001", **fields):
    """A record as a partner enters it. Each is marked as illustrative."""
    return {"externalRef": reference, "title": f"Example initiative {reference}", "place": {"code": place},
            "visibility": "OPEN", "illustrative": True,
            "source": {"kind": "SELF_REPORT", "title": f"Example return {reference}"}, "sharing": SHARING, **fields}


def full_record(reference, **fields):
    """A record with a value in every field of 0.1."""
    return record(reference, summary="It overlaps with others.\nSecond line with an accent: é", **{
        "startedOn": "2020-02-03", "endedOn": "2022-12-31", "ongoing": False, "visibility": "MEMBERS",
        "sharedWithFunders": True,
        "entryPoints": [
            {"entryPoint": "COLLABORATION", "perspective": "FUNDER", "motivation": "The call asked for it."},
            {"entryPoint": "COMPLEXITY", "perspective": "PRACTITIONER", "takenOn": "2021-02-03"},
            {"entryPoint": "ROOT_CAUSES", "perspective": "PRACTITIONER", "missing": {"takenOn": "NO_REPLY"}}],
        "challengesFaced": [
            challenge("DEFINING_AMBITIONS", "SKIPPED", "SHORT_FUNDING", "CRISIS_RESPONSE",
                      note="There was no time.", noticedOn="2021-03-04", perspective="PRACTITIONER"),
            {"challenge": "FOSTERING_CONDITIONS", "missing": {"step": "NOT_ASKED"}}],
        "conditionsChanged": [{"condition": "GOVERNANCE", "change": "PARTLY"},
                              {"condition": "INCENTIVES", "missing": {"change": "WITHHELD"}}],
        "fundingTerms": [
            term(12, grantIdentifier="360G-Example-full", programme="Example programme", currency="GBP",
                 amountMinor=9007199254740993, awardedOn="2019-12-01", startsOn="2020-01-01",
                 endsOn="2020-12-31", intendedFocus="ROOT_CAUSES", upfrontResearch=True,
                 upfrontResearchMonths=3, collaborationResourced=False, restriction="RESTRICTED",
                 reportingFrequency="QUARTERLY", reportingBasis="FIXED_TARGETS", deliveryTimeline="FIXED",
                 renewable=True),
            term(None, OTHER_FUNDER, missing={"durationMonths": "NOT_APPLICABLE"})],
        "source": {"kind": "EVALUATION", "title": "Example evaluation", "url": "https://example.org/evaluation",
                   "datedOn": "2023-01-02", "licence": "CC-BY-4.0"}, **fields})


def lead(number):
    return {"leadOrganisation": {"identifier": f"GB-CHC-60{number}", "name": f"Example Charity {number}",
                                 "kind": "DELIVERY_ORGANISATION"}}


AMBITIONS, CONDITIONS = "DEFINING_AMBITIONS", "FOSTERING_CONDITIONS"
# What a steward publishes from a file with the command line.
PUBLISHED = [
    full_record("a", **lead(1)),
    record("b", **lead(1), startedOn="2019-05-01", endedOn="2019-12-31", fundingTerms=[term(12)],
           challengesFaced=[challenge(AMBITIONS, "SKIPPED", "SHORT_FUNDING")]),
    record("c", "E06000002", **lead(2), startedOn="2020-04-01", ongoing=True, fundingTerms=[term(18), term(36)],
           challengesFaced=[challenge(AMBITIONS, "TAKEN"), challenge(CONDITIONS, "RUSHED", "CRISIS_RESPONSE")],
           conditionsChanged=[{"condition": "GOVERNANCE", "change": "ALTERED"}]),
    record("d", "E08000025", **lead(2), startedOn="2020-06-01", endedOn="2020-09-30",
           fundingTerms=[term(60, OTHER_FUNDER, renewable=False)],
           challengesFaced=[challenge(AMBITIONS, "TAKEN")],
           entryPoints=[{"entryPoint": "COLLABORATION", "perspective": "PRACTITIONER"}]),
    record("e", "E08000025", **lead(3), startedOn="2021-01-01", visibility="AGGREGATE_ONLY",
           challengesFaced=[challenge(AMBITIONS, "RUSHED", "OTHER")], missing={"fundingTerms": "NO_REPLY"}),
    record("f", "E07000001", **lead(3), title="Work that overlaps", startedOn="2018-01-01",
           missing={"summary": "WITHHELD", "challengesFaced": "NOT_ASKED"}),
    {**record("g", **lead(4), startedOn="2020-03-01"), "place": None, "missing": {"place": "WITHHELD"}},
]

GRANTS = {"license": "https://creativecommons.org/licenses/by/4.0/", "grants": [
    {"id": f"360G-Example-{number}", "title": f"Example grant {number}", "description": "Made up.",
     "currency": "GBP", "amountAwarded": 1000.5 * number, "awardDate": f"2021-0{number}-01",
     "plannedDates": [{"startDate": f"2021-0{number}-01", "duration": 12 * number}],
     "recipientOrganization": [{"id": f"GB-CHC-70{number}", "name": f"Example Recipient {number}"},
                               {"id": "GB-CHC-709", "name": "Second Example Recipient"}],
     "grantProgramme": [{"code": "one", "title": "First example programme"}, {"code": "two", "title": "Second"}],
     "fundingOrganization": [{"id": "GB-CHC-900", "name": "Example Funder"}],
     "beneficiaryLocation": [{"name": "Hartlepool", "geoCode": "E06000001", "geoCodeType": "UA"}]}
    for number in (1, 2, 3)]}

SHORT = {"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}}
SKIPPED = {"challenge": {"on": AMBITIONS, "step": {"in": ["SKIPPED"]}}}
IN_CRISIS = {"overlaps": {"crisis": "example-crisis"}}
NORTH_EAST = {"place": {"within": {"code": "E12000001"}}}
# Each claim with its pattern: short name, when, then, among, by.
CLAIMS = [
    ("short-funding", SHORT, SKIPPED, None, "REGION"),
    ("in-a-crisis", IN_CRISIS, {"and": [{"not": {"not": {"fundingTerms": {"anyRecorded": True}}}},
                                        {"or": [NORTH_EAST, {"not": IN_CRISIS}]}]},
     {"not": {"overlaps": {"crisis": "later-crisis"}}}, "YEAR_STARTED"),
    ("nothing-recorded", {"fundingTerms": {"anyRecorded": False}}, {"challenge": {"on": AMBITIONS, "step": {"isKnown": True}}},
     {"or": [{"place": {"isKnown": True}}, {"startedOn": {"lte": "2020-12-31"}}]}, None),
    ("other-funder", {"fundingTerms": {"none": {"funder": {"identifier": {"eq": "GB-CHC-900"}}}}},
     {"fundingTerms": {"every": {"or": [{"renewable": {"isKnown": True}}, {"durationMonths": {"gt": 24}}]}}},
     {"fundingTerms": {"anyRecorded": True}}, "FUNDER"),
    ("ways-in", {"wayIn": {"in": ["COLLABORATION"], "perspective": "PRACTITIONER"}},
     {"entryPoints": {"includesAny": ["ROOT_CAUSES", "COLLABORATION"]}}, {}, "WAY_IN"),
    ("governance", {"condition": {"on": "GOVERNANCE", "change": {"in": ["ALTERED", "PARTLY"]}}},
     {"challenge": {"on": CONDITIONS, "step": {"isKnown": True}, "reasons": {"includes": ["CRISIS_RESPONSE"]}}},
     {"startedOn": {"gt": "2019-12-31"}}, "CHALLENGE_CONDITIONS"),
]

# A file of a partner: a row to submit, one with a problem, one that names a term twice, one with a placeholder,
# two rows with one reference, and one that is not a record.
FILE = [record("file-good"), {**record("file-no-place"), "place": None}, record("file-bad-date", startedOn="31/31/2020"),
        record("file-placeholder", startedOn="unknown"), record("file-twice"), record("file-twice")]
TABLE = ("externalRef;title;place.code;source.kind;source.title;fundingTerms.1.funder.identifier;"
         "fundingTerms.1.funder.name;fundingTerms.1.amount;fundingTerms.1.currency;startedOn\n"
         "table-1;Caf\xe9 example;E06000001;SELF_REPORT;Example return;GB-CHC-900;Example Funder;15000,50;GBP;unknown\n"
         "table-2;Second example;Nowhere;SELF_REPORT;Example return;;;;;2021-01-01\n").encode("windows-1252")
# Files that 0.1 is stopped in.
RUNNING = [record(f"running-{number}") for number in range(3)]
QUEUED = [record("queued-1"), {**record("queued-2"), "title": ""}]
