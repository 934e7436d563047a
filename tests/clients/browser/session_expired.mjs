// A session that ends while somebody types: nothing typed is lost, and it is deleted on sign-out.

import { OFFLINE, answersWith, createSignInLink, findMember, until } from "./harness.mjs";
import { RUN, listSubmissions } from "./records.mjs";
import { beginRecord, field, makeSignInLink, waitUntilSaved } from "./steps.mjs";

const TITLE = `Evening school ${RUN}`;
const SUMMARY = `Typed after the session ended (${RUN}).`;

export default async function go(journey) {
  // The journey signs out at its end.
  const partner = await journey.memberWithOwnSession("partner");
  partner.expect(answersWith(401));
  partner.expect(answersWith(403));
  const { page } = partner;
  await beginRecord(partner, TITLE);
  const address = page.url();
  await partner.step("loses the session", () => partner.loseSession());
  await partner.step("types on, and is told", async () => {
    await field(page, "Summary").pressSequentially(SUMMARY);
    await page.getByText(/Your session has ended/).waitFor();
    partner.check((await field(page, "Summary").inputValue()) === SUMMARY, "what is typed stays in the form");
  });
  partner.check((await keptHere(page)).includes(SUMMARY), "what is typed is kept in this browser");

  const steward = await journey.member("steward");
  const { id, subject } = await findMember("partner");
  const link = await makeSignInLink(steward, subject).catch(async (error) => {
    partner.check(false, `the steward makes no link: ${error.message.split("\n")[0]}`);
    return createSignInLink(id);
  });
  await partner.signIn(link);
  await partner.step("comes back to the form", async () => {
    await partner.openWell(address);
    await until(async () => (await field(page, "Summary").inputValue()) === SUMMARY, "what was typed is there again");
    await waitUntilSaved(page);
  });
  await until(async () => {
    const found = (await listSubmissions()).find(({ record }) => record.title === TITLE);
    return found?.record.summary === SUMMARY;
  }, "what was typed is saved in the service");
  partner.check(true, "what was typed after the session ended is saved");

  const other = await partner.step("opens the form in another tab too", async () => {
    const tab = await partner.context.newPage();
    await tab.goto(address);
    await field(tab, "Summary").waitFor();
    return tab;
  });
  await partner.step("types without a network and goes to another page", async () => {
    partner.expect(OFFLINE);
    await partner.context.setOffline(true);
    await field(page, "Summary").fill(`${SUMMARY} More.`);
    await page.getByText(/The network is gone/).waitFor();
    // The form saves itself when the network is back, unless the page is gone by then.
    await page.goto("about:blank");
    await partner.context.setOffline(false);
    await partner.openWell("/words");
  });
  await partner.step("signs out there", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("link", { name: "Sign in" }).first().waitFor();
  });
  const isDeleted = await until(async () => !(await keptHere(page)).includes(RUN), "", 5).then(() => true, () => false);
  partner.check(isDeleted, "signing out deletes what was kept in this browser");
  await partner.step("types on in the other tab, and is told", async () => {
    await field(other, "Summary").fill(`${SUMMARY} Too late.`);
    await other.getByText(/You have signed out/).waitFor();
  });
  partner.check(!(await keptHere(page)).includes(RUN), "nothing is kept after signing out");
}

// Everything that pages of the service can keep in a browser.
const keptHere = (page) =>
  page.evaluate(async () => {
    const kept = [{ ...localStorage }, { ...sessionStorage }];
    for (const { name } of await indexedDB.databases()) {
      const base = await new Promise((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      for (const store of base.objectStoreNames) {
        kept.push(await new Promise((resolve, reject) => {
          const request = base.transaction(store).objectStore(store).getAll();
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        }));
      }
      base.close();
    }
    return JSON.stringify(kept);
  });
