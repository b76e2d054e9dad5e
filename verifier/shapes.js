// Checks on decoded values (rule 39): each gives the value back, or refuses it by the name that the protocol gives it.

import { utf8 } from "./bytes.js";
import { Refusal } from "./refusal.js";

export const INTEGER_MAX = Number.MAX_SAFE_INTEGER;
const ARRAY_MAX = 4096;

// docs/protocol.md, rule 1: what no name that people read may hold.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
const SPACE_AT_AN_END = /^\p{White_Space}|\p{White_Space}$/u;

function refuse(name) {
  return new Refusal("shape", 39, { name });
}

/** @returns {number} */
export function integer(value, name, least = 0, most = INTEGER_MAX) {
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw refuse(name);
}

/** @returns {Uint8Array} of exactly `length` bytes */
export function octets(value, name, length) {
  if (value instanceof Uint8Array && value.length === length) return value;
  throw refuse(name);
}

/** @returns {Uint8Array} of at most `most` bytes */
export function octetsTo(value, name, most) {
  if (value instanceof Uint8Array && value.length <= most) return value;
  throw refuse(name);
}

/** @returns {string} of `least` to `most` bytes of UTF-8 */
export function text(value, name, least = 0, most = 65536) {
  if (typeof value === "string") {
    const length = utf8(value).length;
    if (length >= least && length <= most) return value;
  }
  throw refuse(name);
}

/** @returns {boolean} */
export function boolean(value, name) {
  if (typeof value === "boolean") return value;
  throw refuse(name);
}

/** @returns {any[]} of exactly `length` elements; null: of at most `most` */
export function array(value, name, length = null, most = ARRAY_MAX) {
  if (Array.isArray(value) && value.length <= most && (length === null || value.length === length)) return value;
  throw refuse(name);
}

/** @returns {Map<number | string, any>} */
export function map(value, name) {
  if (value instanceof Map) return value;
  throw refuse(name);
}

/** Null for null, else what `check` makes of the value. */
export function optional(value, check) {
  return value === null ? null : check(value);
}

/** A name that people will read (rule 1): 1 to 128 bytes that show as they are. @returns {string} */
export function readableName(value, name, rule) {
  text(value, name, 0, 128);
  if (value === "" || HIDDEN.test(value) || SPACE_AT_AN_END.test(value)) throw new Refusal("name", rule, { name });
  return value;
}
