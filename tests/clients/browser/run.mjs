// Runs the journeys, one after the other, against a running demonstration:
//
//   eval "$(tests/clients/settings.sh said.txt)"
//   node tests/clients/browser/run.mjs [NAME ...]
//
// A NAME selects the journeys whose names begin with it. It prints what it sees and exits with 1 if
// something is wrong. BROWSER_FAILURES names the folder for screenshots of failures, CHROMIUM another
// browser than /usr/bin/chromium.

import { Journey, startChromium } from "./harness.mjs";

const JOURNEYS = [
  "sign_in",
  "visitor",
  "funder",
  "partner_form",
  "partner_workbook",
  "steward_review",
  "steward_members",
  "session_expired",
  "network_gone",
  "other_origins",
  "accessibility",
];

const wanted = process.argv.slice(2);
const chosen = JOURNEYS.filter((name) => wanted.length === 0 || wanted.some((start) => name.startsWith(start)));
if (chosen.length === 0) {
  console.error(`no journey is called ${wanted.join(" or ")}; there are ${JOURNEYS.join(", ")}`);
  process.exit(2);
}

const failed = [];
const browser = await startChromium();
try {
  for (const name of chosen) {
    const started = Date.now();
    const journey = new Journey(name, browser);
    try {
      const { default: go } = await import(`./${name}.mjs`);
      await go(journey);
    } catch (error) {
      await journey.fail(error);
    }
    await journey.end();
    if (journey.problems.length) failed.push(name);
    console.log(`     ${name}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }
} finally {
  await browser.close();
}
console.log(failed.length ? `These journeys failed: ${failed.join(", ")}` : `${chosen.length} journeys pass`);
process.exit(failed.length ? 1 : 0);
