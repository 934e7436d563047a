// @ts-check
// Saves the form of a record while one types. The service renders every message; this module puts them in their places.
// What is typed is kept in this browser, for the member who typed it, until the service has saved it.

import { KEPT_PREFIX, session } from "./session.js";

const FRAGMENT_MEDIA_TYPE = "text/vnd.wayin.fragment+html";
/** How long after the last key the form is saved, in milliseconds. */
const SAVE_DELAY = 1000;
/** How long after a failure the form is sent again, in milliseconds. */
const RETRY_DELAY = 10000;
/** How often a form is saved at most before it is sent. */
const MOST_SAVES = 3;
/** How long after the last key a search begins, in milliseconds. */
const SEARCH_DELAY = 300;
/** The fields that belong to a page and not to the record. */
const PAGE_FIELDS = new Set(["csrf", "version", "key", "check", "action"]);

/**
 * The first save of a new record. It is repeated as it was until it is answered: its key makes only one record of it.
 * @typedef {{ key: string, fields: [string, string][] }} Creation
 */

/**
 * What this browser keeps of a form, until the service has saved it.
 * @typedef {{ version: string, fields: [string, string][], creation?: Creation | null }} KeptForm
 */

/** @param {string} id */
const find = (id) => document.getElementById(id);

/**
 * The fields that belong to the record.
 * @param {HTMLFormElement} form
 * @returns {[string, string][]}
 */
function listFields(form) {
  /** @type {[string, string][]} */
  const fields = [];
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && !PAGE_FIELDS.has(name)) fields.push([name, value]);
  }
  return fields;
}

/**
 * Fills the form with kept fields.
 * @param {HTMLFormElement} form
 * @param {[string, string][]} fields
 */
function fillForm(form, fields) {
  /** @type {Map<string, string[]>} */
  const byName = new Map();
  for (const [name, value] of fields) byName.set(name, [...(byName.get(name) ?? []), value]);
  for (const control of form.elements) {
    if (control instanceof HTMLInputElement && (control.type === "radio" || control.type === "checkbox")) {
      const values = byName.get(control.name);
      if (values) control.checked = values.includes(control.value);
      if (control.checked && control.value) openDetails(control);
    } else if (
      control instanceof HTMLInputElement
      || control instanceof HTMLTextAreaElement
      || control instanceof HTMLSelectElement
    ) {
      const values = byName.get(control.name);
      const isShown = !(control instanceof HTMLInputElement) || control.type !== "hidden";
      if (values && isShown) control.value = values[0];
      if (control.value) openDetails(control);
    }
  }
}

/**
 * Puts the parts of a fragment in the places of those with the same ids. The focus and what is typed stay.
 * @param {string} html
 * @param {HTMLElement | null} [pressed] a button that stays, because it was pressed
 * @returns {HTMLElement | null} whether the form is saved
 */
function swapFragment(html, pressed = null) {
  const fragment = new DOMParser().parseFromString(html, "text/html");
  for (const part of fragment.querySelectorAll("[data-swap]")) {
    const present = find(part.id);
    // What is read aloud is changed only if it says something else.
    if (!present || present.isEqualNode(part)) continue;
    const isFocused = present.contains(document.activeElement) && document.activeElement !== present;
    if ((isFocused && part.id !== "save-status") || present.contains(pressed)) continue;
    present.replaceWith(document.importNode(part, true));
    markField(part);
  }
  showLocalTimes();
  return find("save-status");
}

/**
 * Marks the control of a field as right or wrong.
 * @param {Element} messages
 */
function markField(messages) {
  if (!messages.id.endsWith("-messages")) return;
  const isWrong = Number(messages.getAttribute("data-problems")) > 0;
  const id = messages.id.slice(0, -"-messages".length);
  const control = find(id);
  if (control && !(control instanceof HTMLInputElement && control.type === "radio")) {
    if (isWrong) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
  find(messages.id)?.closest(`[data-field="${CSS.escape(id)}"]`)?.classList.toggle("has-error", isWrong);
  if (isWrong) openDetails(control);
}

/**
 * Opens what hides a control, so that its answer or its problem is seen.
 * @param {Element | null} control
 */
function openDetails(control) {
  for (let details = control?.closest("details"); details; details = details.parentElement?.closest("details")) details.open = true;
}

/** Shows moments in the time of this device. */
function showLocalTimes() {
  for (const time of document.querySelectorAll("time[data-local-time]")) {
    if (!(time instanceof HTMLTimeElement)) continue;
    const moment = new Date(time.dateTime);
    time.textContent = moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    time.removeAttribute("data-local-time");
  }
}

class RecordForm {
  /**
   * @param {HTMLFormElement} form
   * @param {string} member
   */
  constructor(form, member) {
    this.form = form;
    this.member = member;
    this.submission = form.dataset.submission || "new";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Promise<boolean> | undefined} */
    this.saving = undefined;
    /** @type {Creation | null} */
    this.creation = null;
    /** @type {HTMLElement | null} The button that sends the form. */
    this.pressed = null;
    /** Whether the member has signed out. */
    this.hasEnded = false;
    const state = find("save-status")?.dataset.state;
    this.hasConflict = state === "conflict";
    /** What the service has, as far as this page knows. It has nothing of a form that it did not save. */
    this.savedFields = this.hasConflict || state === "refused" ? "" : this.shownFields;
  }

  /** What the form has now. */
  get shownFields() {
    return JSON.stringify(listFields(this.form));
  }

  get hasUnsaved() {
    return this.creation !== null || this.shownFields !== this.savedFields;
  }

  /** The name under which the form is kept. */
  get keptName() {
    return `${KEPT_PREFIX}draft:${this.member}:${this.submission}:${location.pathname}`;
  }

  /** @returns {KeptForm | null} */
  readKept() {
    try {
      const kept = localStorage.getItem(this.keptName);
      return kept === null ? null : JSON.parse(kept);
    } catch {
      return null;
    }
  }

  /** Keeps what is typed. Returns whether the browser could. */
  keep() {
    if (session.isEnding || this.hasEnded) return false;
    // The version stays the one of the first answers, so that the conflict is not forgotten before it is solved.
    const version = (this.hasConflict ? this.readKept()?.version : undefined) ?? this.version;
    try {
      /** @type {KeptForm} */
      const kept = { version, fields: listFields(this.form), creation: this.creation };
      localStorage.setItem(this.keptName, JSON.stringify(kept));
      return true;
    } catch {
      return false;
    }
  }

  forget() {
    try {
      localStorage.removeItem(this.keptName);
    } catch {
      // A browser that keeps nothing has nothing to forget.
    }
  }

  /** @param {string} name */
  readHidden(name) {
    const field = this.form.elements.namedItem(name);
    return field instanceof HTMLInputElement ? field.value : "";
  }

  // A button of the form is called "action", which hides the property of the form.
  get address() {
    return this.form.getAttribute("action") ?? "";
  }

  set address(address) {
    this.form.setAttribute("action", address);
  }

  get version() {
    return this.readHidden("version");
  }

  set version(version) {
    const field = this.form.elements.namedItem("version");
    if (field instanceof HTMLInputElement) field.value = version;
  }

  /** @param {string} text */
  announce(text) {
    const status = find("keeping-status");
    if (!status || status.textContent === text) return;
    status.textContent = text;
    status.hidden = text === "";
  }

  /** Fills in what was typed before the session ended or the network went, and saves it. */
  restore() {
    const kept = this.readKept();
    if (!kept || this.hasConflict) return;
    if (JSON.stringify(kept.fields) === this.shownFields) {
      if (!this.hasUnsaved) this.forget();
      return;
    }
    fillForm(this.form, kept.fields);
    // If the record was saved elsewhere since, the service says so.
    if (this.submission !== "new") this.version = kept.version;
    else this.creation = kept.creation ?? null;
    this.announce("What you typed before is in the form again.");
    this.schedule(0);
  }

  /** @param {number} delay */
  schedule(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), delay);
  }

  onInput() {
    if (session.isEnding) {
      this.announce("You have signed out. What you type here is not saved any more. Sign in again, then load this page again.");
      return;
    }
    this.keep();
    this.schedule(SAVE_DELAY);
  }

  /**
   * Saves what is not saved yet. Returns whether it is saved now.
   * @param {boolean} isSubmitted whether the reader sends the form, and so decides about a conflict
   */
  async save(isSubmitted = false) {
    if (this.saving || session.isEnding || this.hasEnded || !this.hasUnsaved) return false;
    // A conflict is for the reader to solve, with the whole page.
    if (this.hasConflict && !isSubmitted) return false;
    this.saving = this.send();
    const isSaved = await this.saving;
    this.saving = undefined;
    return isSaved;
  }

  /**
   * Saves what is not saved yet before the form itself is sent. Nothing is kept then, whatever page follows, and the form changes the
   * record that the first save makes.
   * @param {HTMLElement | null} pressed the button that sends the form
   */
  async finish(pressed) {
    this.pressed = pressed;
    await this.saving;
    // What is typed in the meantime is saved too.
    for (let turn = 0; turn < MOST_SAVES && (await this.save(true)); turn += 1);
    clearTimeout(this.timer);
    this.pressed = null;
  }

  /** Ends with the session. */
  end() {
    this.hasEnded = true;
    clearTimeout(this.timer);
  }

  async send() {
    if (this.submission === "new") {
      this.creation ??= { key: this.readHidden("key"), fields: listFields(this.form) };
      this.keep();
    }
    const fields = this.creation?.fields ?? listFields(this.form);
    const sent = JSON.stringify(fields);
    let isSaved = false;
    const body = new URLSearchParams(/** @type {[string, string][]} */ ([
      ...fields,
      ["csrf", this.readHidden("csrf")],
      ["version", this.version],
      ["key", this.creation?.key ?? ""],
      ["check", this.readHidden("check")],
      ["fragment", "1"],
    ]));
    try {
      const response = await fetch(this.address, {
        method: "POST",
        body,
        headers: { Accept: FRAGMENT_MEDIA_TYPE },
        credentials: "same-origin",
        redirect: "manual",
      });
      isSaved = await this.receive(response, sent);
    } catch {
      this.explainKeeping("The network is gone.");
      this.schedule(RETRY_DELAY);
    }
    if (this.shownFields !== sent && !this.hasConflict) this.schedule(SAVE_DELAY);
    return isSaved;
  }

  /** @param {string} cause */
  explainKeeping(cause) {
    const isKept = this.keep();
    this.announce(isKept
      ? `${cause} What you type is kept in this browser, for you only, and saved later. It is deleted if you sign out.`
      : `${cause} This browser keeps nothing, so do not close the page.`);
  }

  /**
   * Returns whether the service has saved it.
   * @param {Response} response
   * @param {string} sent what was sent
   */
  async receive(response, sent) {
    // A page to sign in is an answer to somebody whose session has ended, and so is a refused form.
    const isSignedOut = response.type === "opaqueredirect" || response.status === 401 || response.status === 403;
    if (isSignedOut) {
      this.explainKeeping("Your session has ended. Sign in again in another tab or window, then load this page again.");
      return false;
    }
    const isFragment = response.ok || response.status === 409 || response.status === 422;
    if (!isFragment) {
      this.explainKeeping("The service cannot save it now.");
      this.schedule(RETRY_DELAY);
      return false;
    }
    const status = swapFragment(await response.text(), this.pressed);
    if (!status) return false;
    this.hasConflict = status.dataset.state === "conflict";
    this.creation = null;
    if (status.dataset.state !== "saved") {
      this.keep();
      return false;
    }
    this.forget();
    this.savedFields = sent;
    this.version = status.dataset.version ?? this.version;
    this.announce("");
    const address = status.dataset.address;
    if (address && new URL(address, location.href).pathname !== location.pathname) {
      // The record has an address of its own since it was saved.
      this.submission = status.dataset.submission ?? this.submission;
      this.address = address;
      history.replaceState(null, "", address);
    }
    if (this.shownFields !== sent) this.keep();
    return true;
  }
}

/**
 * Swaps in what the service finds.
 * @param {string} address
 */
async function showFound(address) {
  try {
    const response = await fetch(address, { credentials: "same-origin", redirect: "manual" });
    if (response.ok) swapFragment(await response.text());
  } catch {
    // The form can be sent without it.
  }
}

/**
 * Offers the funders whose names have what is typed.
 * @param {HTMLFormElement} form
 */
function searchFunders(form) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  form.addEventListener("input", (event) => {
    const { target } = event;
    if (!(target instanceof HTMLInputElement) || target.getAttribute("list") !== "funder-names") return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      void showFound(`/send/funders?${new URLSearchParams({ name: target.value })}`);
    }, SEARCH_DELAY);
  });
}

/**
 * Finds places while one types.
 * @param {HTMLFormElement} form
 */
function searchPlaces(form) {
  const search = form.elements.namedItem("place.search");
  if (!(search instanceof HTMLInputElement)) return;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void show(), SEARCH_DELAY);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    clearTimeout(timer);
    void show();
  });
  const show = async () => {
    const chosen = new FormData(form).get("place");
    const parameters = new URLSearchParams({
      place: search.value,
      chosen: typeof chosen === "string" ? chosen : "",
    });
    await showFound(`/send/places?${parameters}`);
  };
}

/**
 * Saves the form of a record.
 * @param {HTMLFormElement} form
 * @param {string} member
 */
function followForm(form, member) {
  const record = new RecordForm(form, member);
  form.addEventListener("input", (event) => {
    const { target } = event;
    // A text to search for is not an answer.
    if (target instanceof HTMLInputElement && target.name === "place.search") record.keep();
    else record.onInput();
  });
  let isReady = false;
  let isWaiting = false;
  form.addEventListener("submit", (event) => {
    if (isReady || (!record.saving && !record.hasUnsaved)) return;
    event.preventDefault();
    if (isWaiting) return;
    isWaiting = true;
    void record.finish(event.submitter).then(() => {
      isWaiting = false;
      isReady = true;
      form.requestSubmit(event.submitter);
      isReady = false;
    });
  });
  // Who loads the record again gives up the answers that are in conflict.
  find("load-again")?.addEventListener("click", () => record.forget());
  addEventListener("online", () => record.schedule(0));
  addEventListener("pagehide", () => {
    if (session.isEnding) record.end();
  });
  // The browser may show this page again after its member has signed out.
  addEventListener("pageshow", () => {
    if (record.hasEnded) location.reload();
  });
  searchPlaces(form);
  searchFunders(form);
  record.restore();
}

const page = find("record-form-page");
const form = find("record-form");
const member = page?.dataset.member ?? "";
if (member !== "" && form instanceof HTMLFormElement) followForm(form, member);
showLocalTimes();
