// Opens Wayin's GraphiQL page in a headless Chromium, runs the first query, follows
// a link to another query, and checks that the page keeps to its own origin.
//
//   npm ci && node graphiql.mjs http://127.0.0.1:8000 TOKEN [SCREENSHOT.png]
//
// CHROMIUM names another browser than /usr/bin/chromium. It prints what it saw and exits
// with 1 where the schema or the answer is missing, something was asked of another address,
// the browser complained, or the token was left where it does not belong.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [base, token, screenshot] = process.argv.slice(2);
if (!base || !token) {
  console.error("usage: graphiql.mjs BASE_URL TOKEN [SCREENSHOT.png]");
  process.exit(2);
}
const { host, hostname, origin } = new URL(base);

const problems = [];
const check = (holds, sentence) => {
  console.log(`${holds ? "ok  " : "FAIL"} ${sentence}`);
  if (!holds) problems.push(sentence);
};

const profile = mkdtempSync(join(tmpdir(), "wayin-graphiql-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  viewport: { width: 1400, height: 900 },
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Nor may Chromium itself call home while the page is looked at.
    `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${hostname}`,
  ],
});

try {
  const page = browser.pages()[0] ?? (await browser.newPage());
  const addresses = new Set();
  const complaints = [];
  browser.on("request", (request) => addresses.add(request.url()));
  page.on("websocket", (socket) => addresses.add(socket.url()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });

  await page.goto(`${origin}/graphiql#token=${encodeURIComponent(token)}`);
  await page.locator(".graphiql-query-editor .CodeMirror").waitFor();
  check((await page.title()) === "Wayin", "the page is titled Wayin");
  check(page.url() === `${origin}/graphiql`, "the token is off the address bar");
  const hint = page.getByText("Paste a token to send this query");
  check(!(await hint.isVisible()), "with a token, the page does not ask for one");

  await page.getByLabel("Show Documentation Explorer").click();
  const root = page.locator(".graphiql-doc-explorer-content a", { hasText: /^Query$/ });
  await root.click();
  const field = page.locator(".graphiql-doc-explorer-content a", { hasText: /^pattern$/ });
  await field.first().waitFor();
  check(true, "the documentation names the query's fields");

  await page.locator(".graphiql-execute-button").click();
  const read = (editor) =>
    page.locator(`${editor} .CodeMirror`).evaluate((element) => element.CodeMirror.getValue());
  const readAnswer = async () => {
    await page.waitForFunction(
      () => document.querySelector(".result-window .CodeMirror")?.CodeMirror.getValue(),
    );
    return JSON.parse(await read(".result-window"));
  };
  const answer = await readAnswer();
  check(!answer.errors, `no errors: ${JSON.stringify(answer.errors ?? [])}`);
  const summary = answer.data?.pattern?.summary?.text;
  check(Boolean(summary), `summary: ${summary}`);
  if (screenshot) await page.screenshot({ path: screenshot });

  // The dialog and the history bring in parts that the first sight of the page does not.
  await page.getByLabel("Open settings dialog").click();
  await page.getByText("Theme").first().waitFor();
  await page.keyboard.press("Escape");
  await page.getByLabel("Show History").click();

  // A page's link names the query that it shows, and no token.
  const linked = {
    query: "query Words($first: Int) { terms(first: $first) { nodes { name } } viewer { role } }",
    variables: JSON.stringify({ first: 2 }),
  };
  await page.goto(`${origin}/graphiql?${new URLSearchParams(linked)}`);
  await page.locator(".graphiql-query-editor .CodeMirror").waitFor();
  check((await read(".graphiql-query-editor")) === linked.query, "a link opens its query");
  check((await read(".graphiql-editor-tool .hidden")) === linked.variables, "a link opens its variables");
  check(await hint.isVisible(), "without a token, the page asks for one");
  await page
    .locator(".graphiql-editor-tool :not(.hidden) > .CodeMirror")
    .evaluate((element, headers) => element.CodeMirror.setValue(headers), JSON.stringify({
      Authorization: `Bearer ${token}`,
    }));
  await hint.waitFor({ state: "hidden" });
  check(true, "with the token pasted, it no longer does");
  await page.locator(".graphiql-execute-button").click();
  const words = await readAnswer();
  check(words.data?.terms?.nodes?.length === 2, `the link's query is answered: ${JSON.stringify(words)}`);

  // GraphiQL writes its storage half a second after the last change.
  await page.waitForTimeout(1000);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  check(!kept.includes(token), "the browser's storage does not hold the token");

  await page.goto("about:blank");
  const elsewhere = [...addresses].filter((address) => {
    const url = new URL(address);
    return url.host !== host && !["about:", "blob:", "data:"].includes(url.protocol);
  });
  console.log([...addresses].filter((address) => !address.startsWith("data:")).join("\n"));
  check(elsewhere.length === 0, `no address but ${host}: ${elsewhere.join(" ")}`);
  check(![...addresses].some((address) => address.includes(token)), "no address holds the token");
  check(complaints.length === 0, `the browser has no complaints: ${complaints.join("; ")}`);
} catch (error) {
  check(false, String(error));
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
process.exit(problems.length ? 1 : 0);
