// A page of another origin, on another port of this machine, cannot act as the member whose browser opens it.
// The port is the only difference, so the browser does send it the cookie: the service must refuse by itself.

import { once } from "node:events";
import { createServer } from "node:http";
import { answersWith, hostname, http, origin } from "./harness.mjs";

// Of each kind of check: with a session, without one, and with a file.
const FORMS = ["/sign-out", "/sign-in", "/review/invitations", "/send/records/new", "/send/workbooks"];

export default async function go(journey) {
  const server = createServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(hostilePage(new URL(request.url, "http://unknown").searchParams.get("action")));
  });
  server.listen(0, hostname);
  await once(server, "listening");
  try {
    const elsewhere = `http://${hostname}:${server.address().port}/`;
    await postForms(journey, elsewhere);
    await openSocket(journey, elsewhere);
    await sendRequests(journey, elsewhere);
    await frame(journey, elsewhere);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const hostilePage = (action) => `<!doctype html>
<html lang="en-GB">
<title>Elsewhere</title>
<link rel="icon" href="data:,">
<form method="post" action="${origin}${action ?? "/"}"><input name="csrf" value="guess"><button>Win a prize</button></form>
<form method="post" enctype="multipart/form-data" action="${origin}${action ?? "/"}"><input name="csrf" value="guess">
<input name="file" value="a,b"><button>Win a file</button></form>`;

async function postForms(journey, elsewhere) {
  const steward = await journey.member("steward");
  steward.expect(answersWith(403));
  for (const action of FORMS) {
    for (const button of ["Win a prize", "Win a file"]) {
      const status = await steward.step(`sends a form of another origin to ${action} (${button})`, async (page) => {
        await page.goto(`${elsewhere}?action=${encodeURIComponent(action)}`);
        const answered = page.waitForResponse((response) => response.request().method() === "POST");
        await page.getByRole("button", { name: button }).click();
        return (await answered).status();
      });
      steward.check(status === 403, `another origin's form to ${action} is refused with ${status}`);
    }
  }
  await steward.step("opens the review again", () => steward.openWell("/review"));
  steward.check(await steward.isSignedIn(), "another origin cannot sign the steward out");

  const status = await steward.step("sends a form of the service with a wrong proof", (page) =>
    page.evaluate(async () => {
      const body = new URLSearchParams({ csrf: "guess" });
      return (await fetch("/sign-out", { method: "POST", body })).status;
    }));
  steward.check(status === 403, `a form without the session's proof is refused with ${status}`);
}

// Sends `messages` and resolves to what came back, or to how the socket was closed.
const talk = ({ url, query }) =>
  new Promise((resolve) => {
    const told = [];
    const socket = new WebSocket(url, "graphql-transport-ws");
    const send = (message) => socket.send(JSON.stringify(message));
    socket.onopen = () => send({ type: "connection_init" });
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      told.push(message);
      if (message.type === "connection_ack") send({ type: "subscribe", id: "1", payload: { query } });
      if (["error", "next", "complete"].includes(message.type)) socket.close();
    };
    socket.onclose = ({ code }) => resolve({ told, code });
    setTimeout(() => resolve({ told, code: "nothing in 10 s" }), 10_000);
  });

async function openSocket(journey, elsewhere) {
  const url = `${http.replace(/^http/, "ws")}/ws`;
  for (const [place, address] of [["another origin", elsewhere], ["the service's own page", "/words"]]) {
    const partner = await journey.member("partner");
    partner.expect(/WebSocket/);
    for (const query of ["subscription { submissionChanged { id } }", "{ viewer { role } }"]) {
      const { told, code } = await partner.step(`opens a socket from ${place}`, async (page) => {
        await page.goto(address);
        return page.evaluate(talk, { url, query });
      });
      const answered = told.find(({ type }) => ["error", "next"].includes(type));
      const errors = answered?.type === "error" ? answered.payload : answered?.payload.errors;
      const isRefused = answered ? Boolean(errors?.length) || answered.payload.data?.viewer === null : told.length === 0;
      partner.check(isRefused, `a socket from ${place} has no member for ${query}: ${JSON.stringify(answered ?? code)}`);
    }
  }
}

async function sendRequests(journey, elsewhere) {
  const steward = await journey.member("steward");
  steward.expect(/CORS|Cross-Origin|ERR_FAILED|status of (400|401|403|415)/);
  const askWho = (url) =>
    fetch(url, {
      method: "POST",
      credentials: "include",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: "{ viewer { role } }" }),
    }).then((response) => response.text(), (error) => String(error));
  const said = await steward.step("asks the API from another origin", async (page) => {
    await page.goto(elsewhere);
    return page.evaluate(askWho, http);
  });
  steward.check(!said.includes("STEWARD"), `the API does not answer another origin as the steward: ${said.slice(0, 120)}`);
  const ours = await steward.step("asks the API from the service's own page", async (page) => {
    await page.goto("/words");
    return page.evaluate(askWho, http);
  });
  steward.check(!ours.includes("STEWARD"), `the cookie does not authenticate the API: ${ours.slice(0, 120)}`);
}

async function frame(journey, elsewhere) {
  const steward = await journey.member("steward");
  steward.expect(/frame/i);
  const text = await steward.step("opens a page that frames the review", async (page) => {
    await page.goto(elsewhere);
    await page.evaluate((address) => {
      const frame = document.createElement("iframe");
      frame.src = address;
      const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
      document.body.append(frame);
      return loaded;
    }, `${origin}/review`);
    const inner = page.frames().find((it) => it !== page.mainFrame());
    return inner ? `${inner.url()} ${await inner.content()}` : "";
  });
  steward.check(!text.includes("Sign out"), `another origin cannot frame a page: ${text.slice(0, 80)}`);
}
