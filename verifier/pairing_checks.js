// What both forms of a pairing are checked for (rule 5).

import { same } from "./bytes.js";
import { Refusal } from "./refusal.js";

/**
 * @typedef {{identity: import("./keys.js").Identity, certificate: import("./keys.js").Certificate,
 *   roster: import("./persons.js").Roster}} Offer
 * @typedef {{label: string, hashes: Uint8Array[], offers: {a: Offer, b: Offer}, terms: import("./terms.js").Terms}} Read
 */

export const ALL_BYTES_MAX = 65536;
export const IDENTITY_BYTES_MAX = 4096;

/** Every refusal of a file, but not of what stands in its offer, is by rule 5. */
export function byRule5(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) error.rule = 5;
    throw error;
  }
}

export function checkNames(digest, hash) {
  if (!(digest instanceof Uint8Array) || !same(digest, hash)) throw new Refusal("pairing-answers", 5);
}
