// @ts-check
// Deletes what this browser keeps for a member when the member signs out.

/** The start of the names of everything that the pages keep. */
export const KEPT_PREFIX = "wayin:";

/** Whether the member is signing out. Nothing is kept from then on. */
export const session = { isEnding: false };

/** Tells the pages in other tabs that the member signs out. */
const signOuts = new BroadcastChannel("wayin:sign-out");

/** Deletes everything that the pages keep in this browser. */
export function deleteKept() {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(KEPT_PREFIX));
    names.forEach((name) => localStorage.removeItem(name));
  } catch {
    // A browser that keeps nothing has nothing to delete.
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  // A control of a form can be called "action", which hides the property of the form.
  if (form instanceof HTMLFormElement && form.getAttribute("action") === "/sign-out") {
    session.isEnding = true;
    deleteKept();
    signOuts.postMessage("");
  }
});

signOuts.addEventListener("message", () => {
  session.isEnding = true;
  deleteKept();
});

// A page that the browser shows again is not signing out.
addEventListener("pageshow", () => {
  session.isEnding = false;
});
