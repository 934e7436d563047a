// Starts GraphiQL against the API that this page came with.
"use strict";

const FIRST_QUERY = `# Anyone may read vocabulary, terms and claims.
# Most else needs a token, below under Headers:
# {"Authorization": "Bearer ..."}

# Of the initiatives funded for 18 months or less,
# how many skipped setting their ambitions? And the others?
{
  pattern(
    when: { fundingTerms: { some: { durationMonths: { lte: 18 } } } }
    then: { challenge: { on: DEFINING_AMBITIONS, step: { in: [SKIPPED] } } }
    by: REGION
  ) {
    summary { text }
    table { population both whenOnly thenOnly neither unknown }
    rateWhen { value lower upper }
    rateOtherwise { value lower upper }
    groups(first: 20) {
      nodes { label table { both whenOnly } rateWhen { value } }
    }
  }
}
`;

// A link names a query and its variables as ?query=...&variables=..., which stay
// in the address, so that it can be shared.
const linked = new URLSearchParams(location.search);

// A link may carry #token=...&query=... in its fragment, which browsers never
// send to a server. It is taken off the address at once, so that the token is
// in neither the address bar, the history nor a copied link.
const given = new URLSearchParams(location.hash.slice(1));
if (location.hash) {
  history.replaceState(null, "", location.pathname + location.search);
}
// Such a link followed from this very page changes the fragment and loads nothing.
addEventListener("hashchange", () => location.reload());

// GraphiQL's history would keep the headers, and so the token, in the browser.
const storage = GraphiQL.createLocalStorage({ namespace: "wayin" });
const keep = storage.setItem;
storage.setItem = (key, value) =>
  keep(key, /queries|favorites/.test(key) ? withoutHeaders(value) : value);

function withoutHeaders(history) {
  return JSON.stringify(JSON.parse(history), (name, part) => name === "headers" ? undefined : part);
}

const endpoint = new URL("graphql", location.href);
const subscriptions = new URL("graphql/ws", location.href);
subscriptions.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const token = given.get("token");
const headers = token ? JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2) : undefined;

const hint = document.getElementById("token-hint");

// The text under Headers is no JSON while somebody is writing it.
function hasToken(text) {
  try {
    const names = Object.keys(JSON.parse(text));
    return names.some((name) => name.toLowerCase() === "authorization");
  } catch {
    return false;
  }
}

function showHint(text) {
  hint.hidden = hasToken(text);
}

showHint(headers);

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({
      url: endpoint.href,
      subscriptionUrl: subscriptions.href,
    }),
    query: given.get("query") || linked.get("query") || undefined,
    variables: linked.get("variables") || undefined,
    // Null keeps it from asking for a schema that it is not shown.
    schema: document.getElementById("closed") ? null : undefined,
    defaultQuery: FIRST_QUERY,
    defaultHeaders: headers,
    onEditHeaders: showHint,
    defaultEditorToolsVisibility: "headers",
    storage,
    // A token lives no longer than the page.
    shouldPersistHeaders: false,
  }),
);
