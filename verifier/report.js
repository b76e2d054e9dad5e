// The report as JSON, as docs/evidence.md lists its members.

import { ENGLISH, ENGLISH_FAULTS } from "./english.js";
import { json } from "./json.js";
import { identitiesOf, verify } from "./verdict.js";
import { Words } from "./words.js";

const MEANING =
  "verified: this file is consistent in itself, to the last byte. Whose it is, only the identities tell: trusted ones were " +
  "given by you. complete: statuses of one desk, signed also with ML-DSA-44, cover every entry; else it is provisional.";

/** @param {Uint8Array} data @param {string[]} trusted fingerprints that are known to be genuine @returns {string} */
export function report(data, trusted) {
  const { verified, complete, reading, faults } = verify(data);
  const told = { verified, complete, meaning: MEANING, identities: [], facts: [], entries: [], silences: [], faults: [] };
  if (reading === null) {
    told.faults = faults.map(({ part, rule, code, facts }) => ({ part, rule, message: ENGLISH_FAULTS[code](facts) }));
    return json(told);
  }
  const words = new Words(reading, ENGLISH);
  const identities = identitiesOf(reading, new Set(trusted));
  const condition = identities.every((identity) => identity.trusted) ? "" : ENGLISH.condition;
  told.identities = identities.map(({ id, ...shown }) => shown);
  told.facts = words.sentences().map((sentence) => condition + sentence);
  told.entries = words.entries();
  told.silences = words.silences();
  return json(told);
}
