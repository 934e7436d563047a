// @ts-check
// A file is dropped on the page, and the page follows its import. The service renders what the page shows.

/** How often the progress is asked for, in milliseconds. */
const POLL_INTERVAL = 1000;

/** Lets people drop a file on the page's file field. */
function acceptDrops() {
  const zone = document.querySelector("[data-drop]");
  if (!(zone instanceof HTMLElement)) return;
  const field = document.getElementById(zone.dataset.drop ?? "");
  const status = document.getElementById("upload-status");
  if (!(field instanceof HTMLInputElement)) return;
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("dragging");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("dragging"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("dragging");
    const files = event.dataTransfer?.files;
    if (!files || files.length === 0) return;
    if (files.length > 1) {
      if (status) status.textContent = "Drop one file at a time.";
      return;
    }
    field.files = files;
    if (status) status.textContent = `Sending ${files[0].name}.`;
    field.form?.requestSubmit();
  });
}

/** Shows the progress of an import until it ends. */
function followImport() {
  const progress = document.getElementById("import-progress");
  if (progress?.dataset.running !== "true") return;
  setTimeout(() => void showProgress(progress), POLL_INTERVAL);
}

/** @param {HTMLElement} progress */
async function showProgress(progress) {
  try {
    const address = new URL(location.href);
    address.searchParams.set("fragment", "1");
    const response = await fetch(address, { credentials: "same-origin", redirect: "manual" });
    if (!response.ok) return;
    const fragment = new DOMParser().parseFromString(await response.text(), "text/html");
    const next = fragment.getElementById("import-progress");
    // Somebody who reads the list with the keyboard keeps the place until the import ends.
    const isRead = progress.contains(document.activeElement) && next?.dataset.running === "true";
    if (next && !isRead && !progress.isEqualNode(next)) progress.replaceWith(document.importNode(next, true));
  } catch {
    // The network may come back.
  }
  followImport();
}

acceptDrops();
followImport();
