"""Makes the fixture with the program of version 0.1: make.py PROGRAM DATABASE_URL DUMP.sql [EXPORT.jsonl ANSWERS.json]

README.md has the commands. PROGRAM is `wayin` of 0.1, and the database is empty. An SQLite file is named by its whole path.
"""

import json, os, pathlib, re, signal, sqlite3, subprocess, sys, tempfile, time, urllib.request

import made_up as made

PROGRAM, URL, DUMP, *EXPECTED = sys.argv[1:]
ADDRESS = "127.0.0.1:8123"
SETTINGS = {
    "DATABASE_URL": URL, "BIND": ADDRESS, "TOKEN_ALGORITHM": "HS256", "LOG": "warn", "PATH": os.environ["PATH"],
    # The settings of the service that the tests start, so that its tokens name the members.
    "TOKEN_SECRET": "a secret that is known to stories alone", "TOKEN_ISSUER": "https://issuer.example.org",
    "TOKEN_AUDIENCE": "wayin-tests", "BUDGET_TOKEN_CAPACITY": "1000000", "DRAFT_DAYS": "0"}
FOLDER = pathlib.Path(tempfile.mkdtemp())


def wayin(*arguments):
    done = subprocess.run([PROGRAM, *arguments], env=SETTINGS, cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout


def file(name, content):
    if not isinstance(content, bytes):
        content = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in content).encode()
    (FOLDER / name).write_bytes(content)
    return str(FOLDER / name)


def serve():
    server = subprocess.Popen([PROGRAM, "serve"], env=SETTINGS, cwd=FOLDER)
    while True:
        try:
            urllib.request.urlopen(f"http://{ADDRESS}/health/ready")
            return server
        except OSError:
            time.sleep(0.1)


def post(token, body, content_type="application/json"):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": content_type}
    request = urllib.request.Request(f"http://{ADDRESS}/graphql", body, headers)
    answer = json.load(urllib.request.urlopen(request))
    assert "errors" not in answer, answer
    return answer["data"]


def query(token, text, **variables):
    return post(token, json.dumps({"query": text, "variables": variables}).encode())


FIELDS = {"Submission": "submission { id version initiative { id version } }", "withdraw": "revision { version }",
          "redact": "revisions", "Token": "issuedToken { id }", "import": "import { id }"}


def mutate(token, name, key=None, /, upload=None, **fields):
    """Runs a mutation that must succeed, and returns what it answers about its object."""
    saved = re.sub("^(save|revoke|merge)|(?<=n)s$", "", name)
    field = next((text for part, text in FIELDS.items() if part in name), f"{saved.lower()} {{ id version }}")
    given = {**fields, **({"idempotencyKey": key} if key else {})}
    text = (f"mutation($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) "
            f"{{ {field} userErrors {{ code path message }} }} }}")
    if upload:
        operations = json.dumps({"query": text, "variables": {"input": {**given, "file": None}}})
        parts = [('"operations"', operations.encode()), ('"map"', b'{"0": ["variables.input.file"]}'),
                 (f'"0"; filename="{upload[0]}"', pathlib.Path(file(*upload)).read_bytes())]
        body = b"".join(b"--edge\r\nContent-Disposition: form-data; name=%s\r\n\r\n%s\r\n" % (part.encode(), content)
                        for part, content in parts) + b"--edge--\r\n"
        answer = post(token, body, "multipart/form-data; boundary=edge")[name]
    else:
        answer = query(token, text, input=given)[name]
    problems = answer.pop("userErrors")
    assert problems == [], (name, fields, problems)
    return next(iter(answer.values()))


def set_up():
    """Everything that the command line does. Returns the tokens."""
    wayin("migrate", "up")
    wayin("import", "places", file("places.csv", made.PLACES.encode()))
    members = [("steward", "STEWARD", None), ("partner", "PARTNER", "500"), ("trusted", "PARTNER", "501"),
               ("funder", "FUNDER", "900"), ("dashboard", "DASHBOARD", None), ("former", "DASHBOARD", None)]
    for subject, role, number in members:
        name = "Example Funder" if role == "FUNDER" else f"Example Partner {number}"
        organisation = ["--organisation", f"GB-CHC-{number}", "--organisation-name", name] if number else []
        wayin("member", "add", "--subject", subject, "--role", role, *organisation)
    tokens = {subject: wayin("token", "issue", "--subject", subject).strip() for subject, *_ in members}
    wayin("member", "revoke", "--subject", "former")
    wayin("import", "grants", file("grants.json", [made.GRANTS]))
    wayin("import", "records", file("records.jsonl", made.PUBLISHED))
    again = {**made.PUBLISHED[1], "summary": "A second version."}
    wayin("import", "records", file("again.jsonl", [again]))
    return tokens


def save_reference_data(steward):
    """Places, organisations, terms, meetings, reflections, crises, claims, members and tokens, with keys."""
    def save(mutation, key=None, /, **fields):
        return mutate(steward, mutation, key, **fields)

    place = save("savePlace", "place", name="Seaton Example", kind="NEIGHBOURHOOD", within=[{"code": "E06000001"}])
    save("savePlace", id=place["id"], name="Seaton Example", within=[{"code": "E06000001"}, {"code": "E12000001"}])
    save("saveOrganisation", "organisation", name="Example Trust", identifier="GB-CHC-77", kind="FUNDER")
    kept = save("saveOrganisation", name="Example Group")
    merged = save("saveOrganisation", name="Example Group (the same)", identifier="GB-CHC-78")
    save("mergeOrganisations", "merge", keep=kept["id"], merge=merged["id"], reason="One and the same")
    trusted = query(steward, '{ organisation(identifier: "GB-CHC-501") { id } }')["organisation"]["id"]
    save("saveOrganisation", id=trusted, autoPublish=True)
    for slug, code in [("way-in", "COLLABORATION"), ("ambition", None)]:
        term = save("saveTerm", f"term {slug}", slug=slug, word=f"Word for {slug}", definition="As Zelda Example says",
                    otherWords=["word", "within"], caution="Say where, not how well.", code=code)
    save("saveTerm", id=term["id"], otherWords=[], caution=None, reason="Shorter")
    meeting = save("saveMeeting", "meeting", title="Example meeting", heldOn="2024-05-01", theme="Time",
                   registrationUrl="https://example.org/register")
    reflection = save("saveReflection", "reflection", meeting=meeting["id"], perspective="FUNDER",
                      challenge="DEFINING_AMBITIONS", text="There was no time.")
    save("saveCrisis", "crisis", slug="example-crisis", name="Example crisis", **{"from": "2020-03-01", "to": "2021-03-31"},
         places=[{"code": "E12000001"}, {"code": "E08000025"}])
    save("saveCrisis", slug="later-crisis", name="Later crisis", **{"from": "2024-01-01"})
    for slug, when, then, among, by in made.CLAIMS:
        claim = save("saveClaim", f"claim {slug}", slug=slug, statement=f"Example claim {slug}", when=when, then=then,
                     among=among, by=by, reflection=reflection["id"] if by == "REGION" else None)
        if slug == "in-a-crisis":
            save("saveClaim", id=claim["id"], version=1, when={"and": [when, made.SHORT]}, statement="Example claim, second version")
    member = save("saveMember", "member", issuer=SETTINGS["TOKEN_ISSUER"], subject="added", role="DASHBOARD")
    token = save("issueToken", "token", member=member["id"], name="An example dashboard", days=366)
    save("revokeToken", "revoke token", id=token["id"], reason="It was lost")
    save("issueToken", member=member["id"], name="Another example dashboard", days=366)
    left = save("saveMember", issuer=SETTINGS["TOKEN_ISSUER"], subject="left", role="STEWARD")
    save("revokeMember", "revoke member", id=left["id"], reason="They left")


def save_submissions(partner, trusted, steward):
    """Submissions in every state."""
    def submit(reference, key=None, token=partner, initiative=None, **fields):
        fields = {"record": fields.pop("record", None) or made.record(reference, **fields)}
        if initiative:
            fields |= {"initiative": initiative["id"], "initiativeVersion": initiative["version"]}
        saved = mutate(token, "saveSubmission", key and f"save {key}", **fields)
        return mutate(token, "sendSubmission", key and f"send {key}", id=saved["id"])

    def publish(reference, key=None, **fields):
        sent = submit(reference, key, **fields)
        return mutate(steward, "publishSubmission", key and f"publish {key}", id=sent["id"], reason="Reviewed")["initiative"]

    def give_back(reference, key=None):
        sent = submit(reference, key)
        return mutate(steward, "returnSubmission", key and f"return {key}", id=sent["id"], note="Which year did it start?")

    mutate(partner, "saveSubmission", "save draft", record={"externalRef": "draft", "title": "Example draft", "startedOn": "soon"})
    submit("sent", summary="It waits for review.")
    give_back("returned", "returned")
    again = give_back("sent-again")
    record = made.record("sent-again", startedOn="2021-01-01")
    mutate(partner, "saveSubmission", id=again["id"], version=again["version"], record=record)
    mutate(partner, "sendSubmission", id=again["id"])
    mutate(partner, "discardSubmission", "discard", id=mutate(partner, "saveSubmission", record=made.record("discarded"))["id"])

    full = made.full_record("published")
    full["fundingTerms"][0]["grantIdentifier"] = "360G-Example-published"
    initiative = publish("published", "published", record=full)
    corrected = {**full, "summary": "Zelda Example corrected it.", "fundingTerms": full["fundingTerms"][:1]}
    initiative = publish("published", record=corrected, initiative=initiative)
    mutate(partner, "saveSubmission", record={**corrected, "title": "A third version"}, initiative=initiative["id"],
           initiativeVersion=initiative["version"])
    withdrawn = publish("withdrawn")
    mutate(steward, "withdrawInitiative", "withdraw", id=withdrawn["id"], reason="It was another's")
    submit("trusted", "trusted", token=trusted)


def send_files(tokens):
    """Imports that end, and two that 0.1 does not complete. The server is killed."""
    def send(member, name, content, key=None, **fields):
        token = tokens[member]
        id = mutate(token, "importRecords", key, upload=(name, content), **fields)["id"]
        while query(token, "query($id: ID!) { import(id: $id) { endedAt } }", id=id)["import"]["endedAt"] is None:
            time.sleep(0.2)

    send("partner", "records.jsonl", [*made.FILE, '"not a record"'], "import records", **{"as": "SENT"})
    send("partner", "table.csv", made.TABLE, "import table", **{"as": "DRAFTS"})
    send("partner", "again.jsonl", [made.record("file-good"), made.record("sent")], **{"as": "SENT"})
    send("partner", "empty.csv", made.TABLE.splitlines()[0])
    send("trusted", "trusted.jsonl", [made.record("trusted"), made.record("trusted-2")], **{"as": "SENT"})
    grants = json.loads(json.dumps(made.GRANTS).replace("360G-Example-", "360G-Sent-"))
    send("funder", "grants.json", [grants], "import grants", kind="GRANTS_360GIVING", organisation=None)
    wayin("import", "records", file("command.jsonl", [made.record("command")]), "--as", "drafts", "--member", "partner")


def states():
    return query(TOKENS["steward"], "{ imports(first: 2) { nodes { state } } }")["imports"]["nodes"]


def stop_in_an_import(server):
    """Sends a workbook, which takes a while to read, and a file that waits for it; and kills the server."""
    wayin("export", "records", "--output", str(FOLDER / "running.xlsx"))
    workbook = (FOLDER / "running.xlsx").read_bytes()
    for name, content in [("running.xlsx", workbook), ("queued.jsonl", made.QUEUED)]:
        mutate(TOKENS["partner"], "importRecords", f"import {name}", upload=(name, content), **{"as": "DRAFTS"})
    found = [node["state"] for node in states()]
    server.send_signal(signal.SIGKILL)
    server.wait()
    assert found == ["WAITING", "RUNNING"], found


def dump():
    if URL.startswith("sqlite:"):
        with sqlite3.connect(URL.removeprefix("sqlite://").partition("?")[0]) as base:
            lines = [line for line in base.iterdump() if line not in ("BEGIN TRANSACTION;", "COMMIT;")]
        return "PRAGMA foreign_keys = OFF;\n" + "\n".join(lines) + "\n"
    dumped = subprocess.run(["pg_dump", "--inserts", "--rows-per-insert=50", "--no-owner", "--no-privileges", URL],
                            check=True, capture_output=True, text=True).stdout
    # What is left out sets up a session of psql alone.
    return re.sub(r"(?m)^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\.*|)\n", "", dumped)


TOKENS = set_up()
SERVER = serve()
try:
    save_reference_data(TOKENS["steward"])
    save_submissions(TOKENS["partner"], TOKENS["trusted"], TOKENS["steward"])
    send_files(TOKENS)
    mutate(TOKENS["steward"], "redact", "redact", text="Zelda", reason="They asked")
    CLAIMS = query(TOKENS["steward"], """{ claims(first: 50) { nodes { slug pattern { table { population both whenOnly thenOnly neither
        unknown whenUnknown thenUnknown } strata(first: 50) { nodes { label table { both whenOnly thenOnly neither unknown } } } } } } }""")
    stop_in_an_import(SERVER)
finally:
    SERVER.kill()
wayin("check")
pathlib.Path(DUMP).write_text(dump())
if EXPECTED:
    wayin("export", "records", "--output", str(pathlib.Path(EXPECTED[0]).absolute()))
    pathlib.Path(EXPECTED[1]).write_text(json.dumps(CLAIMS["claims"]["nodes"], indent=1) + "\n")
