// Completes an address that can be copied, and adds a button that copies a field or a text. The attribute `data-copy` has the words
// on the button.

/** @type {NodeListOf<HTMLElement>} */
const elements = document.querySelectorAll("[data-copy]");
for (const element of elements) {
  if (element instanceof HTMLInputElement) {
    // Only the service's own addresses begin with a slash. A token stays as it is.
    if (element.value.startsWith("/")) {
      element.value = new URL(element.value, location.href).href;
    }
    element.addEventListener("focus", () => element.select());
  }
  if (navigator.clipboard) {
    addCopyButton(element);
  }
}

/**
 * @param {HTMLElement} element
 */
function addCopyButton(element) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button secondary small-button no-print";
  button.textContent = element.dataset.copy || "Copy the address";
  const status = document.createElement("span");
  status.className = "no-print";
  status.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(readText(element));
      status.textContent = " Copied";
    } catch {
      select(element);
      status.textContent = " Not copied: press Ctrl+C or ⌘C";
    }
  });
  element.after(button, status);
}

/**
 * @param {HTMLElement} element
 */
function readText(element) {
  return element instanceof HTMLInputElement ? element.value : (element.textContent ?? "").trim();
}

/**
 * @param {HTMLElement} element
 */
function select(element) {
  if (element instanceof HTMLInputElement) element.select();
  else getSelection()?.selectAllChildren(element);
}
