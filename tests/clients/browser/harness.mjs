// What the journeys share: one headless Chromium, people with sessions of their own, and the checks that hold
// on every page: no complaint of the browser, and nothing asked of another address.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { chromium } from "playwright-core";
import { ask, http, tokens } from "../demonstration.mjs";

export { http };
export const { origin, hostname } = new URL(http);

// Where a failure leaves its screenshot and its page.
const FAILURES = process.env.BROWSER_FAILURES ?? fileURLToPath(new URL("../generated/browser", import.meta.url));
const STEP_MILLISECONDS = 20_000;
const SESSION_COOKIE = "wayin-session";
// Errors of loading that a step brings about on purpose.
const LOADING = /Failed to load resource/;

export const WIDE = { width: 1280, height: 900 };
export const NARROW = { width: 320, height: 720 };

export function startChromium() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // Nor may Chromium itself call home.
      `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${hostname}`,
    ],
  });
}

// A link that signs in the member of a role once, for demonstrations whose printed links are used up.
export async function createSignInLink(member) {
  const { createSignInLink: created } = await ask(
    tokens.steward,
    "mutation ($member: ID!) { createSignInLink(input: {member: $member}) { url problems { message } } }",
    { member },
  );
  if (!created.url) throw new Error(`no link to sign in: ${JSON.stringify(created.problems)}`);
  return new URL(created.url, origin).href;
}

export async function findMember(role) {
  const { viewer } = await ask(tokens[role], "{ viewer { id subject organisation { name } } }");
  return viewer;
}

async function findSignInLink(role) {
  const printed = process.env[`SIGN_IN_${role.toUpperCase()}`];
  // Looking at a link does not use it up.
  if (printed && (await fetch(printed)).ok) return printed;
  const { id } = await findMember(role);
  return createSignInLink(id);
}

// What each role is signed in with, for all journeys.
const sessions = new Map();

export class Journey {
  constructor(name, browser) {
    this.name = name;
    this.browser = browser;
    this.people = [];
    this.problems = [];
    // The step that is taken.
    this.step = undefined;
  }

  check(holds, sentence) {
    console.log(`${holds ? "ok  " : "FAIL"} ${this.name}: ${sentence}`);
    if (!holds) this.problems.push(sentence);
    return holds;
  }

  // Someone without a session. `options` are those of a context of Playwright: viewport, colorScheme,
  // javaScriptEnabled, reducedMotion, storageState.
  async visitor(options = {}, name = "visitor") {
    const context = await this.browser.newContext({
      baseURL: origin,
      locale: "en-GB",
      timezoneId: "Europe/London",
      viewport: WIDE,
      ...options,
    });
    context.setDefaultTimeout(STEP_MILLISECONDS);
    const person = new Person(this, name, context);
    this.people.push(person);
    person.page = await context.newPage();
    return person;
  }

  // A member with the session that all journeys share. Do not sign out with it: see `memberWithOwnSession`.
  async member(role, options = {}) {
    if (!sessions.has(role)) {
      const person = await this.memberWithOwnSession(role);
      sessions.set(role, await person.context.storageState());
    }
    return this.visitor({ ...options, storageState: sessions.get(role) }, role);
  }

  async memberWithOwnSession(role, options = {}) {
    const person = await this.visitor(options, role);
    await person.signIn(await findSignInLink(role));
    return person;
  }

  // Says why the journey ends here, and keeps what was on the pages.
  async fail(error) {
    this.problems.push(String(error));
    const text = stripVTControlCharacters(error.stack ?? String(error));
    console.log(`FAIL ${this.name}: ${this.step ?? "before its first step"}\n${indent(text)}`);
    await this.keepPages();
  }

  async keepPages() {
    mkdirSync(FAILURES, { recursive: true });
    for (const [number, person] of this.people.entries()) {
      for (const [tab, page] of person.context.pages().entries()) {
        const path = join(FAILURES, `${this.name}-${number + 1}-${person.name}${tab ? `-${tab + 1}` : ""}`);
        console.log(`     ${person.name} is at ${page.url()}; kept in ${path}.png and .html`);
        try {
          writeFileSync(`${path}.html`, await page.content());
          await page.screenshot({ path: `${path}.png`, fullPage: true });
        } catch (error) {
          console.log(`     ${path} cannot be kept: ${error.message}`);
        }
      }
    }
  }

  async end() {
    for (const person of this.people) person.checkConduct();
    for (const person of this.people) await person.context.close();
  }
}

export class Person {
  constructor(journey, name, context) {
    this.journey = journey;
    this.name = name;
    this.context = context;
    // The page that the person looks at.
    this.page = undefined;
    this.complaints = [];
    this.expected = [];
    this.elsewhere = new Set();
    const note = (address) => {
      const url = new URL(address);
      if (url.hostname !== hostname && !["about:", "blob:", "data:"].includes(url.protocol)) this.elsewhere.add(address);
    };
    context.on("request", (request) => note(request.url()));
    context.on("page", (page) => page.on("websocket", (socket) => note(socket.url())));
    context.on("weberror", (error) => this.complaints.push(String(error.error())));
    context.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(`${message.text()} (${message.location().url})`);
    });
  }

  // Leaves out complaints that the journey brings about, such as those of a page with a status of 422.
  expect(complaint) {
    this.expected.push(complaint);
  }

  checkConduct() {
    const complaints = this.complaints.filter((complaint) => !this.expected.some((expected) => expected.test(complaint)));
    const [{ journey, name }, elsewhere] = [this, [...this.elsewhere]];
    if (complaints.length) journey.check(false, `the browser of the ${name} complains: ${complaints.join("; ")}`);
    if (elsewhere.length) journey.check(false, `the browser of the ${name} asked another address: ${elsewhere.join(" ")}`);
  }

  // One step of the journey. Its sentence names the step that failed.
  async step(sentence, action) {
    this.journey.step = `the ${this.name} ${sentence}`;
    const found = await action(this.page);
    console.log(`ok   ${this.journey.name}: ${this.journey.step}`);
    return found;
  }

  check(holds, sentence) {
    return this.journey.check(holds, sentence);
  }

  // Opens an address. A page that asks to wait, as visitors share one rate limit, is opened again.
  async open(address) {
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.page.goto(address);
      if (response?.status() !== 429 || attempt === 4) return response;
      this.expect(/status of 429/);
      const seconds = Number(response.headers()["retry-after"] ?? 5);
      await new Promise((resolve) => setTimeout(resolve, (seconds + 1) * 1000));
    }
  }

  async openWell(address) {
    const response = await this.open(address);
    if (response && !response.ok()) throw new Error(`${address} is answered with ${response.status()}`);
    return response;
  }

  heading(name) {
    return this.page.getByRole("heading", { level: 1, name });
  }

  async readHeading() {
    return tidy(await this.page.getByRole("heading", { level: 1 }).innerText());
  }

  // The count beside an item of the main navigation, 0 if there is none.
  async readCount(item) {
    const link = this.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: new RegExp(`^${item}`) });
    return Number(/(\d+)\s*waiting/.exec(await link.innerText())?.[1] ?? 0);
  }

  async signIn(link) {
    await this.step("opens a link to sign in", () => this.openWell(link));
    await this.step("signs in", async (page) => {
      await page.getByRole("main").getByRole("button", { name: /^(Sign in|Accept)$/ }).click();
      await page.getByRole("button", { name: "Sign out" }).waitFor();
    });
  }

  async isSignedIn() {
    return this.page.getByRole("button", { name: "Sign out" }).isVisible();
  }

  // As when a session ends while a page is open.
  async loseSession() {
    await this.context.clearCookies({ name: SESSION_COOKIE });
  }

  // Moves the focus with the Tab key to one of those that `locator` finds, as someone does who uses no mouse.
  async tabTo(locator, most = 80) {
    for (let pressed = 0; pressed < most; pressed += 1) {
      await this.page.keyboard.press("Tab");
      if (await locator.evaluateAll((found) => found.includes(document.activeElement))) return;
    }
    throw new Error(`${most} presses of Tab do not reach ${locator}`);
  }

  // A download that `action` begins: its file name, its type and its bytes. The type is that of the response,
  // as a download has none in Playwright.
  async download(link) {
    const href = await link.getAttribute("href");
    const [download] = await Promise.all([this.page.waitForEvent("download"), link.click()]);
    const failure = await download.failure();
    if (failure) throw new Error(`the download of ${href} failed: ${failure}`);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    const response = await this.context.request.get(href);
    return {
      name: download.suggestedFilename(),
      type: response.headers()["content-type"],
      bytes: Buffer.concat(chunks),
    };
  }
}

// The complaints of a browser about an answer with a status that a step brings about.
export const answersWith = (status) => new RegExp(`${LOADING.source}.*status of ${status}`);
export const OFFLINE = /Failed to load resource: net::ERR_(INTERNET_DISCONNECTED|NETWORK_CHANGED)/;

export const tidy = (text) => text.replace(/\s+/g, " ").trim();

// Numbers as pages write them: "1,234" is 1234.
export const readNumber = (text) => Number(/\d[\d,]*/.exec(text)?.[0].replaceAll(",", ""));

export const isZip = (bytes) => bytes.subarray(0, 4).equals(Buffer.from("PK\u0003\u0004", "latin1"));

// Waits until `holds` says so. For what a page does not show by itself.
export async function until(holds, what, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

// Waits until visitors without a session have so many points to spend: all journeys share those of one address.
export async function waitForPoints(needed) {
  for (;;) {
    const { headers } = await fetch(http, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: "{ __typename }" }),
    });
    const left = Number(headers.get("ratelimit-remaining"));
    const capacity = Number(headers.get("ratelimit-limit"));
    if (left >= Math.min(needed, capacity - 1)) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

const indent = (text) => text.replace(/^/gm, "     ");
