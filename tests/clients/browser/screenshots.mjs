// Pictures of six pages for docs/images, wide and narrow. They are looked at, and compared with nothing:
//
//   node tests/clients/browser/screenshots.mjs docs/images

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Journey, startChromium } from "./harness.mjs";
import { buildRecord, sendRecord } from "./records.mjs";
import { findShortFundingClaim } from "./steps.mjs";

const VIEWS = [
  { viewport: { width: 1280, height: 900 }, deviceScaleFactor: 1 },
  { viewport: { width: 360, height: 780 }, deviceScaleFactor: 2 },
];

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("say into which folder: node screenshots.mjs docs/images");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });

const browser = await startChromium();
const journey = new Journey("screenshots", browser);
const open = {
  claims: ["funder", (page) => page.goto("/")],
  claim: [
    "funder",
    async (page) => {
      await page.goto("/");
      await findShortFundingClaim(page).getByRole("link", { name: /See the evidence/ }).click();
      await page.getByRole("heading", { name: "Cite this" }).waitFor();
    },
  ],
  explore: [
    "funder",
    async (page) => {
      await page.goto("/");
      await findShortFundingClaim(page).getByRole("link", { name: /^Ask it your way/ }).click();
      await page.waitForURL(/\/explore\?/);
      await page.getByText(/in 100/).first().evaluate((answer) => answer.closest("section").scrollIntoView());
    },
  ],
  portfolio: ["funder", (page) => page.goto("/portfolio")],
  send: ["partner", (page) => page.goto("/send")],
  review: ["steward", (page) => page.goto("/review")],
};
try {
  // What waits for the steward.
  for (const title of ["Community kitchen", "Allotments", "Repair café"]) await sendRecord(buildRecord(title));
  for (const [name, [role, go]] of Object.entries(open)) {
    for (const view of VIEWS) {
      const person = await journey.member(role, { ...view, reducedMotion: "reduce" });
      await person.step(`opens ${name}`, go);
      await person.page.screenshot({ path: join(folder, `${name}-${view.viewport.width}.png`) });
      await person.context.close();
    }
  }
} catch (error) {
  await journey.fail(error);
} finally {
  await browser.close();
}
process.exit(journey.problems.length ? 1 : 0);
