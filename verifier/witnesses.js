// The witnesses of one log (rules 6 and 27): whose cosignatures may stand on its heads, and which entries they date.

import { number } from "./bytes.js";
import { checkSignature, readWitnessKey, signerOf } from "./notes.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./notes.js").VerifierKey} VerifierKey */

export class LogWitnesses {
  /** @param {import("./terms.js").Terms[]} versions that the log's pair began with and that came into force in it */
  constructor(versions, { log, custody }) {
    this.newest = versions.at(-1);
    /** @type {Map<string, VerifierKey>} of two that look alike on a note the one that was named first */ this.bySigner = new Map();
    /** @type {Map<string, VerifierKey>} */ this.byText = new Map();
    /** @type {Map<VerifierKey, {size: number, time: number}[]>} in order of the sizes */ this.said = new Map();
    this.dating = new Map();
    for (const text of new Set(versions.flatMap(({ witnesses }) => witnesses.map(([, key]) => key)))) {
      const key = readWitnessKey(text);
      if (key === null || key.name === log.name || key.name === custody.name || this.bySigner.has(signerOf(key))) continue;
      this.bySigner.set(signerOf(key), key);
      this.byText.set(text, key);
    }
  }

  /**
   * Read the lines of a head's note that are by neither desk; heads come in order of their sizes.
   * @returns {[VerifierKey, Uint8Array][]} the last line of each witness
   */
  read({ size, signature }, { text, lines }) {
    if (lines.some((line) => !this.bySigner.has(signerOf(line)))) throw new Refusal("strange-signer", 23);
    const signed = new Map();
    for (const line of lines) {
      const key = this.bySigner.get(signerOf(line));
      checkSignature(key, text, line.blob);
      signed.set(key, line.blob);
    }
    if (signature === null) throw new Refusal("witness-alone", 27);
    for (const [key, blob] of signed) {
      if (!this.said.has(key)) this.said.set(key, []);
      this.said.get(key).push({ size, time: number(blob.subarray(0, 8)) });
    }
    return [...signed];
  }

  /** Each witness that dates the entry at this index under these terms. @returns {{witness: string, time: number}[]} */
  of(terms, index) {
    if (this.said.size === 0) return [];
    if (!this.dating.has(terms.version)) this.dating.set(terms.version, this.named(terms));
    return this.dating.get(terms.version).flatMap(({ witness, heads }) => {
      const first = firstAbove(heads, index);
      return first === undefined ? [] : [{ witness, time: first.time }];
    });
  }

  /** Those whom these terms name, then those whom only the newest do. */
  named(terms) {
    const found = new Map();
    for (const [witness, text] of [...terms.witnesses, ...this.newest.witnesses]) {
      const key = this.byText.get(text), heads = this.said.get(key);
      if (heads !== undefined && !found.has(key)) found.set(key, { witness, heads });
    }
    return [...found.values()];
  }
}

/** The first of these heads that covers the entry at an index; undefined for none. */
function firstAbove(heads, index) {
  let low = 0, high = heads.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (heads[middle].size > index) high = middle;
    else low = middle + 1;
  }
  return heads[low];
}
