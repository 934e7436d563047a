// graphql-ws: a subscription that gets an event, ping and pong, and every code that a client's mistake
// closes the connection with. The mistakes are made on a bare WebSocket, as the client makes none.

import assert from "node:assert/strict";
import { once } from "node:events";
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, MessageType, createClient, stringifyMessage, validateMessage } from "graphql-ws";
import { WebSocket } from "ws";
import { discard, saveElsewhere, tokens, until, ws } from "./demonstration.mjs";

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const query = "subscription { submissionChanged { id state } }";

async function toldOfAnEvent() {
  const seen = new Set();
  const client = createClient({
    url: ws,
    webSocketImpl: WebSocket,
    connectionParams: async () => bearer(tokens.partner),
    keepAlive: 300,
    retryAttempts: 0,
    on: { pong: (received) => received && seen.add("pong") },
  });
  const told = [];
  const failed = [];
  const stop = client.subscribe(
    { query },
    { next: ({ data }) => told.push(data.submissionChanged), error: (why) => failed.push(why), complete() {} },
  );
  const drafts = [];
  await until(
    () => failed.length || (seen.has("pong") && told.some((it) => drafts.includes(it.id))),
    async () => drafts.push(await saveElsewhere("Seen by graphql-ws")),
  );
  assert.deepEqual(failed, []);
  // Told on the socket of the subscription that is still open.
  const { value } = await client.iterate({ query: "{ viewer { role } }" }).next();
  assert.equal(value.data.viewer.role, "PARTNER");
  stop();
  await Promise.all(drafts.map(discard));
  await client.dispose();
  return told[0];
}

async function refusedWith(token) {
  const client = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams: bearer(token), retryAttempts: 0 });
  const why = await new Promise((resolve) => {
    client.subscribe({ query }, { next: resolve, error: resolve, complete: resolve });
  });
  return why.code;
}

// A bare socket that says `messages`, each after the answer that it names; resolves to the closing code.
async function closedAfter(...messages) {
  const socket = new WebSocket(ws, GRAPHQL_TRANSPORT_WS_PROTOCOL);
  const closed = once(socket, "close");
  await once(socket, "open");
  for (const message of messages) {
    const answered = message.type === MessageType.ConnectionInit && once(socket, "message");
    socket.send(typeof message === "string" ? message : stringifyMessage(message));
    // Ends too where the connection is closed instead.
    const [answer] = (await Promise.race([answered, closed])) || [];
    if (Buffer.isBuffer(answer)) validateMessage(JSON.parse(answer));
  }
  const [code] = await closed;
  return code;
}

// One ping of ours is answered, with what it came with or without it.
async function pongs() {
  const socket = new WebSocket(ws, GRAPHQL_TRANSPORT_WS_PROTOCOL);
  await once(socket, "open");
  socket.send(stringifyMessage({ type: MessageType.Ping, payload: { are: "you there" } }));
  const [answer] = await once(socket, "message");
  socket.close();
  return validateMessage(JSON.parse(answer)).type;
}

const init = { type: MessageType.ConnectionInit, payload: bearer(tokens.partner) };
const subscribe = { type: MessageType.Subscribe, id: "1", payload: { query } };

// All at once, as one of them waits ten seconds for its end.
const started = Date.now();
const [told, pong, ...codes] = await Promise.all([
  toldOfAnEvent(),
  pongs(),
  closedAfter(init, "no JSON"),
  closedAfter(init, '{"type": "of no such type"}'),
  closedAfter(subscribe),
  refusedWith("not.a.token"),
  closedAfter().then((code) => {
    const waited = Date.now() - started;
    assert.ok(waited > 9_000 && waited < 15_000, `without connection_init it was closed after ${waited} ms`);
    return code;
  }),
  closedAfter(init, subscribe, subscribe),
  closedAfter(init, init),
]);
assert.equal(pong, MessageType.Pong);
assert.deepEqual(codes, [
  CloseCode.BadRequest,
  CloseCode.BadRequest,
  CloseCode.Unauthorized,
  CloseCode.Forbidden,
  CloseCode.ConnectionInitialisationTimeout,
  CloseCode.SubscriberAlreadyExists,
  CloseCode.TooManyInitialisationRequests,
]);

console.log(`graphql-ws: told of a ${told.state}; ping and pong; closed with ${[...new Set(codes)].join(", ")}`);
