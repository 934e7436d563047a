// Looks at a page with axe-core in both colour schemes, wide and narrow, and for sideways scrolling.

import axe from "axe-core";
import { NARROW, WIDE } from "./harness.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const VIEWS = [WIDE, NARROW].flatMap((viewport) => ["light", "dark"].map((colorScheme) => ({ viewport, colorScheme })));

// Checks the page as it is now, and leaves it in the first view.
export async function checkAccessibility(person, name) {
  const { page } = person;
  await page.evaluate(axe.source);
  // Most violations are the same in all views.
  const found = new Map();
  const add = (violation, view) => found.set(violation, [...(found.get(violation) ?? []), view]);
  for (const { viewport, colorScheme } of VIEWS) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const view = `${colorScheme} ${viewport.width} px`;
    const { violations } = await page.evaluate((tags) => globalThis.axe.run({ runOnly: tags }), TAGS);
    for (const { id, help, nodes } of violations) nodes.slice(0, 4).forEach((node) => add(describe(id, help, node), view));
    const wide = await findWide(page);
    if (wide) add(`it scrolls sideways, as it is ${wide}`, view);
  }
  await page.setViewportSize(WIDE);
  await page.emulateMedia({ colorScheme: "light" });
  const lines = [...found].map(([violation, views]) => `\n     ${violation} (${views.join(", ")})`);
  person.check(lines.length === 0, `axe finds nothing on ${name} (${page.url()})${lines.join("")}`);
}

// The first line of a summary says "fix any of the following", and the next what.
const describe = (id, help, { target, failureSummary }) =>
  `${id}: ${help}: ${target.join(" ")}: ${(failureSummary ?? "").split("\n")[1]?.trim()}`;

// How wide the page is, and the innermost elements that reach beyond the window. Nothing if it fits. What is closed
// is opened for it, as the widest tables are there.
const findWide = (page) =>
  page.evaluate(() => {
    const closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
    const { scrollWidth } = document.documentElement;
    const reaches = (element) => element.getBoundingClientRect().right > window.innerWidth + 1;
    const wide = scrollWidth > window.innerWidth ? [...document.body.querySelectorAll("*")].filter(reaches) : [];
    const innermost = wide.filter((element) => ![...element.children].some(reaches));
    const found = innermost.slice(0, 5).map((element) => element.outerHTML.slice(0, 120));
    for (const details of closed) details.open = false;
    return scrollWidth > window.innerWidth ? `${scrollWidth} px wide: ${found.join(" | ")}` : "";
  });
