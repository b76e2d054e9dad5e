// Both desks of a line as evidence names them: what is shown of the pairing, and later certificates.

import { checkLater, readCertificate } from "./keys.js";
import { readPairing } from "./pairing.js";
import { Refusal } from "./refusal.js";

const NO_BYTES = new Uint8Array(0);
const PAIRING_PARTS = ["pairing/1.bin", "pairing/2.bin", "pairing/3.bin"];
const CERTIFICATE_PART = /^certificates\/([ab])\/[0-9]{16}\.bin$/;

/** @typedef {{offer: import("./pairing.js").Offer, certificates: import("./keys.js").Certificate[]}} Author */

export class Desks {
  /** @param {Uint8Array} line @param {{a: Author, b: Author}} authors @param {import("./terms.js").Terms} terms */
  constructor(line, authors, terms) {
    Object.assign(this, { line, authors, terms });
  }

  /** @returns {import("./entries.js").Direction} of the log with this name */
  direction({ author, recipient, inc, peerInc }) {
    const [from, to] = [author, recipient].map((desk) => this.authors[desk].offer.identity.id);
    return { line: this.line, from, to, inc, peerInc };
  }

  /** @returns {import("./keys.js").DeskKeys} of an incarnation; refuses one that no certificate names */
  keysOf(desk, inc) {
    const found = this.authors[desk].certificates.find((certificate) => certificate.inc === inc);
    if (found === undefined) throw new Refusal("no-certificate", 2, { inc });
    return found.keys;
  }
}

/** @param {Map<string, Uint8Array>} parts @returns {Desks | null} null, with a fault, where the pairing does not hold */
export function readDesks(parts, faults) {
  const pairing = faults.of("pairing", () => readPairing(pairingParts(parts)));
  if (pairing === null) return null;
  const { line, offers, terms } = pairing;
  const offered = [];
  for (const [part, encoded] of parts) {
    const desk = CERTIFICATE_PART.exec(part)?.[1];
    const certificate = desk && faults.of(part, () => readCertificate(encoded, offers[desk].identity));
    if (certificate) offered.push({ part, desk, certificate });
  }
  offered.sort(({ certificate: one }, { certificate: other }) => one.inc - other.inc || one.serial - other.serial);
  const authors = Object.fromEntries(["a", "b"].map((desk) => [desk, { offer: offers[desk], certificates: [offers[desk].certificate] }]));
  for (const { part, desk, certificate } of offered) {
    const { certificates } = authors[desk];
    faults.of(part, () => {
      checkLater(certificates.at(-1), certificate, line);
      certificates.push(certificate);
    });
  }
  return new Desks(line, authors, terms);
}

/** @returns {Uint8Array[]} the three parts; empty where one is missing */
export function pairingParts(parts) {
  return PAIRING_PARTS.map((part) => parts.get(part) ?? NO_BYTES);
}

export { PAIRING_PARTS };
