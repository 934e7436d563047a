// A steward invites a member, who signs in with the link; then the member is revoked.

import { answersWith, findMember, origin } from "./harness.mjs";
import { checkAccessibility } from "./axe.mjs";
import { RUN } from "./records.mjs";
import { makeSignInLink, openMember, readMadeLink, readProblems } from "./steps.mjs";

const NAME = `Keeper of allotments ${RUN}`;

export default async function go(journey) {
  const steward = await journey.member("steward");
  steward.expect(answersWith(422));
  const { organisation } = await findMember("partner");
  const invitation = await invite(steward, organisation.name);

  const invited = await journey.visitor({}, "invited member");
  invited.expect(answersWith(410));
  await invited.step("opens the invitation", async (page) => {
    await invited.openWell(invitation);
    await page.getByText(NAME).first().waitFor();
    invited.check(!(await invited.isSignedIn()), "looking at the invitation signs nobody in");
  });
  await checkAccessibility(invited, "an invitation");
  await invited.signIn(invitation);
  invited.check((await invited.page.getByRole("banner").innerText()).includes(NAME), "the page greets the member by name");
  await invited.step("opens the form", () => invited.openWell("/send"));

  const late = await journey.visitor({}, "second browser");
  late.expect(answersWith(410));
  await late.step("opens the accepted invitation", async () => {
    const response = await late.open(invitation);
    late.check(response.status() === 410, `an accepted invitation is answered with ${response.status()}`);
  });

  const link = await makeSignInLink(steward, NAME);
  const again = await journey.visitor({}, "member's second browser");
  await again.signIn(link);

  await revoke(steward);
  for (const person of [invited, again]) {
    await person.step("opens the next page", async (page) => {
      await person.openWell("/send");
      await page.waitForURL(`${origin}/sign-in?next=%2Fsend`);
    });
    person.check(!(await person.isSignedIn()), "a revoked member is signed out");
  }
}

const invite = (steward, organisation) =>
  steward.step("invites a member", async (page) => {
    await steward.openWell("/review");
    await page.getByRole("main").getByRole("link", { name: "Members and invitations" }).click();
    await checkAccessibility(steward, "the members");
    const form = page.getByRole("region", { name: "Invite somebody" });
    await form.getByRole("button", { name: "Create the invitation" }).click();
    const problems = await readProblems(page);
    steward.check(/name/i.test(problems), `the name is needed: ${problems}`);
    await form.getByRole("radio", { name: "Partner site", exact: true }).check();
    await form.getByLabel("Name", { exact: true }).fill(NAME);
    await form.getByLabel("Organisation", { exact: true }).fill(organisation);
    await form.getByRole("button", { name: "Create the invitation" }).click();
    await page.getByRole("button", { name: "Copy the link" }).waitFor();
    await checkAccessibility(steward, "a link that is shown once");
    const link = await readMadeLink(page);
    const response = await page.reload();
    steward.check(response.status() === 422, `a form that is sent again is answered with ${response.status()}`);
    const sentAgain = await readProblems(page);
    steward.check(/was sent before/.test(sentAgain), `no other link is created: ${sentAgain}`);
    return link;
  });

async function revoke(steward) {
  await openMember(steward, NAME);
  await checkAccessibility(steward, "a member");
  await steward.step("revokes the member", async (page) => {
    await page.getByRole("main").getByText("Revoke this member").first().click();
    await page.getByRole("button", { name: "Revoke this member" }).click();
    await page.getByRole("heading", { name: "No access" }).or(page.getByText(/Revoked/)).first().waitFor();
  });
}
