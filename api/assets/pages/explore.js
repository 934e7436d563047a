// @ts-check
// Keeps the builder of a question up to date while it is edited. Everything that it shows is rendered by the service.

/** How long to wait after the last key before the service is asked, in milliseconds. */
const PAUSE = 400;

const form = document.querySelector("form#builder");
const matching = document.querySelector("#matching");
const isOld = document.querySelector("#answer-is-old");

/** @type {AbortController | undefined} */
let running;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;

/**
 * Sends the fields and shows the builder as the service renders it.
 * @param {HTMLFormElement} builder
 * @param {HTMLElement | null} pressed The button that was pressed, if any.
 */
async function refresh(builder, pressed) {
  clearTimeout(waiting);
  running?.abort();
  const request = new AbortController();
  running = request;
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(builder, pressed)) {
    if (typeof value === "string") fields.append(name, value);
  }
  if (!fields.has("do")) fields.append("do", "count");
  builder.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(`/explore/builder?${fields}`, { signal: request.signal });
    if (!response.ok || response.redirected) throw new Error(`status ${response.status}`);
    show(await response.text(), pressed !== null);
  } catch (cause) {
    if (request.signal.aborted) return;
    // Without the service's answer, a button does what it does without this module, and a change waits for one.
    if (pressed instanceof HTMLButtonElement) submitWith(builder, pressed);
  } finally {
    if (running === request) builder.removeAttribute("aria-busy");
  }
}

/**
 * Whether somebody types into a field. It is not replaced then, or what was typed since would be lost.
 * @returns {boolean}
 */
function isTyping() {
  const active = document.activeElement;
  return active instanceof HTMLInputElement && active.type !== "checkbox";
}

/**
 * @param {string} html
 * @param {boolean} wasPressed
 */
function show(html, wasPressed) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("#builder-conditions");
  const shown = document.querySelector("#builder-conditions");
  if (!(fresh instanceof HTMLElement) || !shown) return;
  const opened = [...shown.querySelectorAll("details[open]")].map((one) => one.closest("[id]")?.id);
  const focused = document.activeElement?.id;
  const hadFocus = shown.contains(document.activeElement);
  if (wasPressed || !isTyping()) shown.replaceWith(fresh);
  for (const one of fresh.querySelectorAll("details")) {
    const id = one.closest("[id]")?.id;
    if (id && opened.includes(id)) one.open = true;
  }
  if (matching) matching.textContent = fresh.dataset.matching ?? "";
  if (isOld instanceof HTMLElement && document.querySelector("#answer")) isOld.hidden = false;
  const target = wasPressed ? fresh.dataset.focus : focused;
  if (target && (wasPressed || hadFocus)) document.getElementById(target)?.focus();
}

/** Whether the next submission goes to the service as it is. */
let isDirect = false;

/**
 * @param {HTMLFormElement} builder
 * @param {HTMLButtonElement} button
 */
function submitWith(builder, button) {
  isDirect = true;
  builder.requestSubmit(button.isConnected ? button : null);
  isDirect = false;
}

if (form instanceof HTMLFormElement) {
  const builder = form;
  builder.addEventListener("input", (event) => {
    // A condition that is chosen to be added changes nothing yet.
    const name = event.target instanceof Element ? event.target.getAttribute("name") : null;
    if (!name || name.startsWith("add.")) return;
    clearTimeout(waiting);
    running?.abort();
    waiting = setTimeout(() => refresh(builder, null), PAUSE);
  });
  builder.addEventListener("submit", (event) => {
    const pressed = event.submitter;
    const action = pressed instanceof HTMLButtonElement ? pressed.value : "";
    if (isDirect || !/^(add|group|remove):/.test(action)) return;
    event.preventDefault();
    refresh(builder, pressed);
  });
}
