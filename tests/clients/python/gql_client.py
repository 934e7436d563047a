"""Python's gql: a query, a page forward and back, a mutation with a problem, a subscription.

The address and the tokens come from the environment: see ../settings.sh.
"""

import asyncio
import os
from pathlib import Path

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import parse, print_ast

HTTP = os.environ["WAYIN"] + "/graphql"
WS = HTTP.replace("http", "ws", 1) + "/ws"
HEADERS = {"Authorization": f"Bearer {os.environ['PARTNER']}"}
OPERATIONS = Path(__file__).parent.parent / "operations"


def operation(file, name):
    """One operation of a file, with the fragments that stand beside it."""
    definitions = parse((OPERATIONS / f"{file}.graphql").read_text()).definitions
    kept = [it for it in definitions if it.kind == "fragment_definition" or it.name.value == name]
    return gql("\n".join(map(print_ast, kept)))


async def ask(session, file, name, **variables):
    request = operation(file, name)
    request.variable_values = variables
    return await session.execute(request)


async def forward_and_back(session):
    async def page(**variables):
        return (await ask(session, "Initiatives", "Initiatives", **variables))["initiatives"]

    first = await page(first=5)
    second = await page(first=5, after=first["pageInfo"]["endCursor"])
    back = await page(last=5, before=second["pageInfo"]["startCursor"])
    assert len(first["edges"]) == len(second["edges"]) == 5
    assert first["pageInfo"]["hasNextPage"] and second["pageInfo"]["hasPreviousPage"]
    assert second["edges"] != first["edges"] == back["edges"]


async def save(session, title):
    answer = await ask(session, "Submissions", "SaveSubmission", input={"record": {"title": title}})
    assert answer["saveSubmission"]["problems"] == [], answer
    return answer["saveSubmission"]["submission"]["id"]


async def discard(session, submission):
    await ask(session, "Submissions", "DiscardSubmission", input={"id": submission})


async def told_of_an_event(session):
    """What a subscription tells of a draft that the other session saves."""
    told = {}

    async def look_on():
        transport = WebsocketsTransport(
            url=WS,
            # Without it gql asks for an older protocol too, and takes the service to speak that: it reads
            # the answer's header by a name in capitals, which Rust's servers write in small letters.
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
            init_payload={"authorization": HEADERS["Authorization"]},
        )
        async with Client(transport=transport) as live:
            async for event in live.subscribe(operation("Submissions", "SubmissionChanged")):
                told[event["submissionChanged"]["id"]] = event["submissionChanged"]

    looking_on = asyncio.create_task(look_on())
    drafts = []
    # Again and again: nobody can know from outside when a subscription has begun.
    while not (seen := told.keys() & drafts) and len(drafts) < 10 and not looking_on.done():
        drafts.append(await save(session, "Seen by gql"))
        await asyncio.sleep(1)
    looking_on.cancel()
    for draft in drafts:
        await discard(session, draft)
    assert seen, f"nothing was told of {len(drafts)} drafts: {looking_on}"
    return told[seen.pop()]


async def main():
    # With the schema at hand, gql checks each operation before it is sent.
    transport = AIOHTTPTransport(url=HTTP, headers=HEADERS)
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        pattern = (await ask(session, "ShortFunding", "ShortFunding"))["pattern"]
        assert "skipped" in pattern["summary"]["text"]
        await forward_and_back(session)

        draft = await save(session, "Saved with gql")
        [wrong, *_] = (await ask(session, "Submissions", "SubmitForReview", input={"id": draft}))["submitForReview"]["problems"]
        assert wrong["code"] == "REQUIRED"
        await discard(session, draft)

        told = await told_of_an_event(session)

    print(
        f"gql: {pattern['table']['population']} initiatives counted; a page forward and back;",
        f"sending told {wrong['code']} at {'.'.join(wrong['path'])}; the subscription told of a {told['state']}",
    )


asyncio.run(main())
