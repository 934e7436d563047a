"""What schemathesis has to know of Wayin: how its scalars are written, and how it answers.

SCHEMATHESIS_HOOKS names this file; .ci/run says how it is run.
"""

import schemathesis
from graphql import NameNode, ObjectFieldNode
from hypothesis import strategies as st
from schemathesis.graphql import nodes

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=50)
DATES = st.dates().map(str) | st.sampled_from(["", "2021-02-30", "yesterday"])
RECORDS = st.fixed_dictionaries({}, optional={"title": TEXT, "startedOn": DATES, "ongoing": st.booleans()})


def literal(value):
    """A JSON value as GraphQL writes it: the names of an object's fields stand without quotes."""
    if isinstance(value, dict):
        return nodes.Object([ObjectFieldNode(name=NameNode(value=it), value=literal(value[it])) for it in value])
    return nodes.Boolean(value) if isinstance(value, bool) else nodes.String(value)


schemathesis.graphql.scalar("BigInt", st.integers(-(2**70), 2**70).map(nodes.Int))
schemathesis.graphql.scalar("Date", DATES.map(nodes.String))
schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda it: nodes.String(it.isoformat() + "Z")))
schemathesis.graphql.scalar("JSON", RECORDS.map(literal))
# A file comes beside the operation; within it there is none.
schemathesis.graphql.scalar("Upload", st.just(nodes.Null))


@schemathesis.check
def answers_as_graphql_does(context, response, case):
    """Data or errors, none of which says that something failed inside. What is refused is answered too."""
    assert response.status_code < 500, f"{response.status_code}: {response.text}"
    answer = response.json()
    assert answer.get("data") is not None or answer.get("errors"), f"neither data nor errors: {answer}"
    for error in answer.get("errors", []):
        code = error.get("extensions", {}).get("code")
        assert code and code != "INTERNAL", f"an error of the code {code}: {error}"
