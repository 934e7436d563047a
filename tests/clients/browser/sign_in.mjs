// Signing in with a link that works once, going on to where one wanted to go, and signing out.

import { answersWith, createSignInLink, findMember, origin } from "./harness.mjs";

export default async function go(journey) {
  const { id } = await findMember("funder");
  const link = await createSignInLink(id);
  const person = await journey.visitor({}, "funder");
  person.expect(answersWith(410));
  person.expect(answersWith(422));
  const { page } = person;
  const field = page.getByRole("main").getByRole("textbox", { name: "Link" });
  const goOn = page.getByRole("main").getByRole("button", { name: "Continue" });

  await person.step("is asked to sign in for the portfolio", async () => {
    await person.openWell("/portfolio");
    await page.waitForURL(/\/sign-in\?next=%2Fportfolio/);
  });
  await person.step("pastes something else", async () => {
    await field.fill("the link");
    await goOn.click();
    const problem = page.getByRole("alert").getByRole("link");
    await problem.click();
    person.check(await field.evaluate((it) => it === document.activeElement), "the problem's link leads to its field");
    person.check((await field.getAttribute("aria-invalid")) === "true", "the field is marked as wrong");
    person.check((await page.title()).startsWith("Error:"), "the title says that something is wrong");
  });
  await person.step("pastes the link", async () => {
    await field.fill(link);
    await goOn.click();
    await page.getByRole("heading", { level: 1, name: /^Sign in as / }).waitFor();
  });
  person.check(!(await person.isSignedIn()), "looking at the link signs nobody in");
  await person.step("signs in", async () => {
    await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${origin}/portfolio`);
  });
  person.check(await person.isSignedIn(), "signing in leads to the page that was asked for");
  const cookies = await person.context.cookies();
  person.check(cookies.length === 1 && cookies[0].httpOnly, "the only cookie is not for scripts");
  person.check(cookies[0]?.sameSite === "Lax", "the cookie stays with the site");

  const other = await journey.visitor({}, "second browser");
  other.expect(answersWith(410));
  await other.step("opens the same link", async () => {
    const response = await other.open(link);
    other.check(response.status() === 410, `a used link is answered with ${response.status()}`);
  });

  await person.step("signs out", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("status").filter({ hasText: "You have signed out." }).waitFor();
  });
  person.check((await person.context.cookies()).length === 0, "signing out removes the cookie");
  await person.step("goes back", async () => {
    await page.goBack();
    await page.waitForURL((url) => url.pathname === "/sign-in" || url.pathname === "/portfolio");
  });
  person.check(!(await person.isSignedIn()), "the browser keeps no page of the session");
  await person.step("follows a link that would lead elsewhere", async () => {
    await person.openWell(`/sign-in?next=${encodeURIComponent("//example.org/")}`);
    const next = await page.getByRole("main").locator("input[name=next]").first().inputValue();
    person.check(next === "", "an address elsewhere is not kept to return to");
  });
}
