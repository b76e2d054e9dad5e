// The terms of a line (rule 6).

import { hex } from "./bytes.js";
import { decode } from "./cbor.js";
import { sha256 } from "./crypto.js";
import { Refusal } from "./refusal.js";
import * as shapes from "./shapes.js";

const TERMS_BYTES_MAX = 32768;
const SECONDS_MAX = 366 * 24 * 3600;
const FORMS_MAX = 256;
const LANGUAGE = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}$/;
const FORM = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const VERIFIER_KEY = /^[!-~]{1,512}$/;

/**
 * What evidence needs of them. digest: of the text, in hex. clocks: seconds to acknowledge and to answer, or null, by precedence;
 * in formClocks 0 stands for those of the precedence. witnesses: names and verifier keys.
 * @typedef {{digest: string, version: number, clocks: (number | null)[][], formClocks: Map<string, (number | null)[]>,
 *   statusSeconds: number, testSeconds: number, releasePeople: number[], unreleasedForms: string[],
 *   witnesses: [string, string][], showThirdParties: boolean}} Terms
 */

/** @param {Uint8Array} data @returns {Terms} */
export function readTerms(data) {
  if (data.length > TERMS_BYTES_MAX) throw refuse();
  const values = shapes.array(decode(data), "terms", 12);
  const [version, languages, digest, clocks, formClocks, status, test, people, unreleased, witnesses, days, show] = values;
  checkTexts(languages, "languages");
  shapes.octets(digest, "catalogue digest", 32);
  for (const pair of shapes.array(clocks, "clocks", 4)) checkClocks(pair, 0);
  for (const [form, pair] of shapes.map(formClocks, "form clocks")) {
    shapes.text(form, "form");
    checkClocks(pair, 0);
  }
  const [interval, even] = shapes.array(test, "test schedule", 2);
  shapes.boolean(even, "lower id tests in even hours");
  for (const count of shapes.array(people, "release people")) shapes.integer(count, "release people");
  checkTexts(unreleased, "unreleased forms");
  for (const witness of shapes.array(witnesses, "witnesses")) checkTexts(witness, "witness", 2);
  shapes.boolean(show, "show third parties");
  shapes.integer(version, "version", 1);
  shapes.integer(status, "status interval", 1, SECONDS_MAX);
  shapes.integer(interval, "test interval", 1, SECONDS_MAX);
  shapes.integer(days, "body days", 1, 36525);
  checkLanguages(languages);
  if (formClocks.size > FORMS_MAX) throw refuse();
  for (const pair of clocks) checkClocks(pair, 1);
  for (const form of formClocks.keys()) checkForm(form);
  if (people.length !== 4) throw refuse();
  for (const count of people) shapes.integer(count, "release people", 1, 16);
  checkUnreleased(unreleased);
  checkWitnesses(witnesses);
  return {
    digest: hex(sha256(data)), version, clocks, formClocks, statusSeconds: status, testSeconds: interval, releasePeople: people,
    unreleasedForms: unreleased, witnesses, showThirdParties: show,
  };
}

/** The seconds that a notice of this form and precedence allows for a clock; null where nothing is expected. */
export function secondsAllowed({ clocks, formClocks }, { form, precedence }, clock) {
  const own = (formClocks.get(form) ?? [0, null])[clock];
  return own === 0 ? clocks[precedence][clock] : own;
}

/** Every time that the terms have for a kind of clock. @returns {Set<number>} */
export function secondsKnown({ clocks, formClocks }, clock) {
  const found = [...clocks, ...formClocks.values()].map((pair) => pair[clock]);
  return new Set(found.filter((seconds) => seconds !== null && seconds !== 0));
}

function checkTexts(texts, name, length = null) {
  for (const text of shapes.array(texts, name, length)) shapes.text(text, name, 0, 1024);
}

function checkClocks(pair, least) {
  for (const seconds of shapes.array(pair, "clocks", 2)) {
    shapes.optional(seconds, (value) => shapes.integer(value, "clock", least, SECONDS_MAX));
  }
}

function checkLanguages(languages) {
  const isOnce = new Set(languages).size === languages.length;
  if (languages.length < 1 || languages.length > 16 || !isOnce) throw refuse();
  if (!languages.every((language) => LANGUAGE.test(language))) throw refuse();
}

function checkUnreleased(forms) {
  if (forms.length > FORMS_MAX || forms.some((form, at) => at > 0 && form <= forms[at - 1])) throw refuse();
  forms.forEach(checkForm);
}

function checkForm(form) {
  if (form.length > 64 || !FORM.test(form)) throw refuse();
}

function checkWitnesses(witnesses) {
  const keys = witnesses.map(([, key]) => key);
  if (witnesses.length > 16 || new Set(keys).size !== keys.length) throw refuse();
  for (const [name, key] of witnesses) {
    shapes.readableName(name, "witness name", 6);
    if (!VERIFIER_KEY.test(key)) throw refuse();
  }
}

function refuse() {
  return new Refusal("terms", 6);
}
