"""A partner's whole way, in a workbook: the template filled in with mistakes, sent, mended in the workbook that came
back, and sent again; one record returned by a steward, corrected and published, while a dashboard is told.

The address and the tokens come from the environment: see ../settings.sh.
"""

import asyncio
import io
import os
import time
import uuid
from datetime import date

import aiohttp
from gql import Client, FileVar, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.websockets import WebsocketsTransport
from openpyxl import load_workbook

WAYIN = os.environ["WAYIN"]
RUN = uuid.uuid4().hex[:8]

SEND = gql("""mutation ($input: ImportRecordsInput!) {
  importRecords(input: $input) { import { id } problems { code path message } } }""")
PROGRESS = gql("""subscription ($id: ID!) {
  importProgress(id: $id) { state failureReason rowsProcessed submittedCount publishedCount draftCount unchangedCount invalidCount rejectedCount correctionsUrl endedAt } }""")
ROWS = gql("""query ($id: ID!) {
  import(id: $id) { rows(first: 100) { nodes { sheet row column outcome code message } } } }""")
WAITING = gql("""{ submissions(first: 100, filter: {states: [SUBMITTED]}) { nodes { id record } } }""")
RETURN = gql("""mutation ($input: RequestChangesInput!) {
  requestChanges(input: $input) { submission { state } problems { code path message } } }""")
SUBMISSION = gql("""query ($id: ID!) { submission(id: $id) { state reviewNote record initiative { version title } } }""")
SAVE = gql("""mutation ($input: SaveSubmissionInput!) {
  saveSubmission(input: $input) { submission { state } problems { code path message } } }""")
CORRECTED = gql("""mutation ($input: SubmitForReviewInput!) {
  submitForReview(input: $input) { submission { state } problems { code path message } } }""")
PUBLISH = gql("""mutation ($input: PublishSubmissionInput!) {
  publishSubmission(input: $input) { submission { state } problems { code path message } } }""")
COUNTED = gql("""subscription {
  patternChanged(
    when: {fundingTerms: {some: {durationMonths: {lte: 18}}}}
    then: {challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}
    scope: VISIBLE
  ) { table { both } } }""")

# By record, the one mistake in it: its sheet and column, what is typed there, what is right, and how it is told.
MISTAKES = {
    "untitled": ("Initiatives", "Title", None, "Food partnership", "REQUIRED"),
    "backwards": ("Funding terms", "Last day", date(2020, 3, 31), date(2022, 3, 31), "OUT_OF_ORDER"),
    "nowhere": ("Initiatives", "Place", "Birminghm", "Birmingham", "NOT_FOUND"),
    "worded": ("Challenges", "What became of the step", "Left out a bit", "Skipped", "INVALID_FORMAT"),
    "personal": ("Challenges", "What happened", "Ask jo@example.org", "There was no time.", "PERSONAL_DATA"),
}
SOUND = "sound"


def reference(name):
    return f"{RUN}-{name}"


def headers(sheet):
    """The columns of a sheet by what they are called."""
    return {cell.value: cell.column for cell in sheet[1] if cell.value}


def row_of(sheet, name):
    """The row of a record on a sheet."""
    column = headers(sheet)["Your reference"]
    rows = [row for row in range(2, sheet.max_row + 1) if sheet.cell(row, column).value == reference(name)]
    assert len(rows) == 1, f"{name} stands in the rows {rows} of {sheet.title}, not in one"
    return rows[0]


def write(sheet, row, values):
    columns = headers(sheet)
    for header, value in values.items():
        assert header in columns, f"the sheet {sheet.title} has no column {header}: {sorted(columns)}"
        sheet.cell(row, columns[header], value)


def filled_in(template):
    """The template as a charity fills it in, and the row in which each mistake stands."""
    book = load_workbook(io.BytesIO(template))
    rows = {}
    for name in [SOUND, *MISTAKES]:
        typed = {
            "Initiatives": {
                "Title": f"Initiative {name}",
                "Place": "Birmingham",
                "Started on": date(2021, 4, 1),
                "Goes on": "Yes",
                "Who may read it": "Open",
                "Source kind": "Self-report",
                "Source title": "Yearly return 2021",
                "Why it may be shared": "The board agreed on 3 May",
                "Sharing licence": "CC-BY-4.0",
            },
            "Challenges": {
                "Challenge": "Defining ambitions",
                "What became of the step": "Skipped",
                "Reasons": "Short funding; Staff capacity",
                "What happened": "There was no time.",
            },
            "Funding terms": {
                "Funder": "A funder of the partner's way",
                "Funder identifier": "GB-CHC-9999901",
                "Currency": "GBP",
                "Amount": 15000.5,
                "First day": date(2021, 4, 1),
                "Last day": date(2022, 3, 31),
            },
        }
        if name in MISTAKES:
            sheet, column, wrong, *_ = MISTAKES[name]
            typed[sheet][column] = wrong
        for sheet, values in typed.items():
            row = book[sheet].max_row + 1
            write(book[sheet], row, {"Your reference": reference(name), **values})
            rows[name, sheet] = row
    return saved(book), rows


def saved(book):
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def mended(workbook):
    """The workbook that came back, with each mistake mended where it is told of."""
    book = load_workbook(io.BytesIO(workbook))
    initiatives = book["Initiatives"]
    there = {initiatives.cell(row, headers(initiatives)["Your reference"]).value for row in range(2, initiatives.max_row + 1)}
    assert there == set(map(reference, MISTAKES)), f"other records than those with mistakes are to be mended: {there}"
    for name, (sheet, column, _, right, _) in MISTAKES.items():
        row = row_of(book[sheet], name)
        said = book[sheet].cell(row, headers(book[sheet])["What to fix"]).value
        assert said and said.startswith(f"{column}: "), f"{name}: beside its row in {sheet} stands {said!r}"
        write(book[sheet], row, {column: right})
    return saved(book)


async def download(path, token=None):
    asked = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(WAYIN + path, headers=asked) as answer:
        assert answer.status == 200, f"{path} answered {answer.status}: {await answer.text()}"
        return await answer.read()


def over_http(role):
    token = os.environ[role]
    return Client(transport=AIOHTTPTransport(WAYIN + "/graphql", headers={"Authorization": f"Bearer {token}"}))


def live(role):
    return Client(
        transport=WebsocketsTransport(
            url=WAYIN.replace("http", "ws", 1) + "/graphql/ws",
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
            init_payload={"authorization": f"Bearer {os.environ[role]}"},
        )
    )


async def ask(session, request, **variables):
    request.variable_values = variables
    return await session.execute(request)


async def done(session, request, **given):
    """What a mutation answers that has to go well."""
    [payload] = (await ask(session, request, input=given)).values()
    assert payload["problems"] == [], f"a mutation was refused: {payload['problems']}"
    return payload


async def sent_in(session, name, content):
    """Sends a workbook in and follows it to its end."""
    SEND.variable_values = {"input": {"file": FileVar(io.BytesIO(content), filename=name), "mode": "SUBMIT"}}
    answer = (await session.execute(SEND, upload_files=True))["importRecords"]
    assert answer["problems"] == [], f"{name} was refused: {answer['problems']}"
    id = answer["import"]["id"]
    told = None
    async with live("PARTNER") as watching:
        PROGRESS.variable_values = {"id": id}
        async with asyncio.timeout(60):
            async for event in watching.subscribe(PROGRESS):
                told = event["importProgress"]
    assert told and told["endedAt"] and told["state"] == "COMPLETED", f"{name} was not followed to its end: {told}"
    rows = (await ask(session, ROWS, id=id))["import"]["rows"]["nodes"]
    return told, rows


async def with_mistakes(session, template):
    """Sends what a charity typed, and answers where to get what is to be mended."""
    workbook, rows = filled_in(template)
    told, found = await sent_in(session, "return.xlsx", workbook)
    came_to = {it: told[it] for it in ["rowsProcessed", "submittedCount", "invalidCount", "rejectedCount", "publishedCount", "draftCount", "unchangedCount"]}
    expected = {"rowsProcessed": 6, "submittedCount": 1, "invalidCount": 5, "rejectedCount": 0, "publishedCount": 0, "draftCount": 0, "unchangedCount": 0}
    assert came_to == expected, f"not exactly the sound record was sent: {came_to}, {found}"
    expected = {("Initiatives", rows[SOUND, "Initiatives"], None, "SUBMITTED", None)}
    for name, (sheet, column, _, _, code) in MISTAKES.items():
        expected.add((sheet, rows[name, sheet], column, "INVALID", code))
    told_of = [(it["sheet"], it["row"], it["column"], it["outcome"], it["code"]) for it in found]
    assert len(told_of) == 6 and set(told_of) == expected, f"told {found}, where expected were {expected}"
    assert told["correctionsUrl"], f"five records are to be mended, and there is no workbook of them: {told}"
    return told["correctionsUrl"]


async def waiting(steward):
    """What waits for a steward of this run, by the record's name."""
    nodes = (await ask(steward, WAITING))["submissions"]["nodes"]
    prefix = reference("")
    return {
        it["record"]["externalRef"].removeprefix(prefix): it
        for it in nodes
        if (it["record"].get("externalRef") or "").startswith(prefix)
    }


async def returned_and_sent_again(partner, steward, submission):
    """A steward returns a record with a note, and the partner corrects it."""
    id, note = submission["id"], "Which partnership is it?"
    await done(steward, RETURN, id=id, note=note)
    returned = (await ask(partner, SUBMISSION, id=id))["submission"]
    assert (returned["state"], returned["reviewNote"]) == ("CHANGES_REQUESTED", note), f"the partner reads {returned}"
    record = returned["record"] | {"title": "Food partnership of the north"}
    await done(partner, SAVE, id=id, record=record)
    again = await done(partner, CORRECTED, id=id)
    assert again["submission"]["state"] == "SUBMITTED", f"what was corrected does not wait again: {again}"


async def told_of_publication(steward, partner, id):
    """Publishes a record while a dashboard is told of the pattern; how long after the acknowledgement it was told."""
    told, first = [], asyncio.Event()

    async def look_on():
        async with live("DASHBOARD") as watching:
            async for event in watching.subscribe(COUNTED):
                told.append((time.monotonic(), event["patternChanged"]["table"]["both"]))
                first.set()

    looking_on = asyncio.create_task(look_on())
    try:
        await asyncio.wait_for(first.wait(), 10)
        # It is told at most once a second, and the first answer was told just now.
        await asyncio.sleep(1)
        before = told[-1][1]
        published = await done(steward, PUBLISH, id=id)
        acknowledged = time.monotonic()
        assert published["submission"]["state"] == "PUBLISHED", f"it was not published: {published}"
        while not (seen := [at for at, both in told if both == before + 1]) and not looking_on.done():
            assert time.monotonic() < acknowledged + 10, f"the count was {before}, and nobody was told another: {told}"
            await asyncio.sleep(0.01)
        assert seen, f"the subscription ended: {looking_on}"
    finally:
        looking_on.cancel()
    after = max(0, seen[0] - acknowledged)
    assert after <= 1, f"the new count was told {after:.2f} s after the publication was acknowledged"
    standing = (await ask(partner, SUBMISSION, id=id))["submission"]
    assert standing["initiative"] == {"version": 1, "title": "Food partnership of the north"}, f"published is {standing}"
    return before, after


async def main():
    template = await download("/template/records.xlsx")
    async with over_http("PARTNER") as partner, over_http("STEWARD") as steward:
        to_mend = await with_mistakes(partner, template)
        assert set(await waiting(steward)) == {SOUND}, "another record waits for a steward than the sound one"

        workbook = mended(await download(to_mend, os.environ["PARTNER"]))
        told, found = await sent_in(partner, "corrections.xlsx", workbook)
        assert (told["rowsProcessed"], told["submittedCount"], told["correctionsUrl"]) == (5, 5, None), f"not all is mended: {told}, {found}"
        submissions = await waiting(steward)
        assert set(submissions) == {SOUND, *MISTAKES}, f"not all wait for a steward: {set(submissions)}"

        chosen = submissions["untitled"]
        await returned_and_sent_again(partner, steward, chosen)
        before, after = await told_of_publication(steward, partner, chosen["id"])
        left = set(await waiting(steward))
        assert left == {SOUND, *MISTAKES} - {"untitled"}, f"others than the published record moved: {left}"

    print(
        f"A partner's way: 1 of 6 records sent, 5 mistakes told by their cells, mended in {len(workbook)} bytes and sent;",
        f"one returned, corrected and published; counted {before} before, and told as {before + 1} after {after:.2f} s",
    )


asyncio.run(main())
