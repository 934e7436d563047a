// Completes an address that can be copied, and adds a button that copies it.

/** @type {NodeListOf<HTMLInputElement>} */
const fields = document.querySelectorAll("input[data-copy]");
for (const field of fields) {
  field.value = new URL(field.value, location.href).href;
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
  button.textContent = "Copy the address";
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
