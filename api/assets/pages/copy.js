// Completes an address that can be copied, and adds a button that copies it. The attribute `data-copy` has the words on the button.

/** @type {NodeListOf<HTMLInputElement>} */
const fields = document.querySelectorAll("input[data-copy]");
for (const field of fields) {
  // Only the service's own addresses begin with a slash. A token stays as it is.
  if (field.value.startsWith("/")) {
    field.value = new URL(field.value, location.href).href;
  }
  field.addEventListener("focus", () => field.select());
  if (navigator.clipboard) {
    addCopyButton(field);
  }
}

/**
 * @param {HTMLInputElement} field
 */
function addCopyButton(field) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button secondary small-button";
  button.textContent = field.dataset.copy || "Copy the address";
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      status.textContent = " Copied";
    } catch {
      field.select();
      status.textContent = " Not copied: press Ctrl+C or ⌘C";
    }
  });
  field.after(button, status);
}
