// What a file of evidence proves (docs/evidence.md, "In which order"): the checks in their order, and the verdict.

import { base64, compare, hex, joinAll, same, utf8 } from "./bytes.js";
import { encode } from "./cbor.js";
import { ShownTerms } from "./amendments.js";
import { pairingParts, PAIRING_PARTS, readDesks } from "./desks.js";
import { ENGLISH } from "./english.js";
import { firstReleases, logName, LogReader } from "./logs.js";
import { headNote, keyText } from "./notes.js";
import { Faults, Refusal } from "./refusal.js";
import { INTEGER_MAX } from "./shapes.js";
import { judgeSilences } from "./silences.js";
import { readStatus } from "./statuses.js";
import { readme, summary, Words } from "./words.js";
import { unpack } from "./zip.js";

const LOG_PART = /^(?:logs|statuses)\/([ab])-([1-9][0-9]{0,15})-([1-9][0-9]{0,15})\/(?:.*\/)?[^/]+$/;
const CHUNK_ENTRIES = 1024;
const FAULTS_SHOWN_MAX = 64;

/**
 * @typedef {{desks: import("./desks.js").Desks, entries: any[], statuses: {name: any, status: any}[],
 *   terms: ShownTerms, silences: {shown: any, judgement: any, notice: any}[]}} Reading
 * @typedef {{verified: boolean, complete: boolean, reading: Reading | null, faults: import("./refusal.js").Fault[]}} Verdict
 */

/** Check a file of evidence, whatever it is. @param {Uint8Array} data @returns {Verdict} */
export function verify(data) {
  const faults = new Faults();
  const reading = read(data, faults);
  if (reading === null || faults.found.length > 0) {
    return { verified: false, complete: false, reading: null, faults: faults.found.slice(0, FAULTS_SHOWN_MAX) };
  }
  return { verified: true, complete: new Words(reading, ENGLISH).isComplete, reading, faults: [] };
}

function read(data, faults) {
  const parts = faults.of("", () => unpack(data));
  if (parts === null) {
    faults.found[0].part = String(faults.found[0].facts.part);
    return null;
  }
  const desks = readDesks(parts, faults);
  if (desks === null) return null;
  const groups = group(parts);
  const statuses = groups.flatMap(({ name, names }) => readStatuses(name, names, parts, desks, faults));
  const logs = groups
    .filter(({ name, names }) => names.some((part) => part.startsWith(`logs/${name.text}/`)))
    .map(({ name, names }) => new LogReader(name, names, parts, desks, faults));
  const shown = logs.flatMap((log) => log.open());
  for (const log of logs) log.read(statuses, shown);
  const issuedAgain = new Map(logs.flatMap((log) => log.issuedAgain()));
  const releases = firstReleases(logs);
  for (const log of logs) log.releases = releases;
  const [one, other] = ["a", "b"].map((side) => desks.authors[side].offer.identity.id);
  const terms = new ShownTerms(desks, compare(one, other) < 0, logs);
  if (faults.found.length === 0) for (const log of logs) log.readWitnesses(terms.versions(log.name)); // else they are not known
  const entries = logs.flatMap((log) => log.judge(issuedAgain, terms));
  if (entries.length === 0 && faults.found.length === 0) faults.of("logs", refuseEmpty);
  const silences = faults.found.length === 0 ? judgeSilences(shown, entries, faults) : [];
  const reading = { desks, entries, statuses, terms, silences };
  if (faults.found.length === 0) compareParts(parts, writeParts(parts, reading, logs), faults);
  return reading;
}

function refuseEmpty() {
  throw new Refusal("no-entry", 41);
}

/** The parts of each log, and what its author said; in order of the logs. */
function group(parts) {
  const found = new Map();
  for (const part of parts.keys()) {
    const [, author, inc, peerInc] = LOG_PART.exec(part) ?? [];
    if (author === undefined || Math.max(Number(inc), Number(peerInc)) > INTEGER_MAX) continue;
    const name = logName(author, Number(inc), Number(peerInc));
    if (!found.has(name.text)) found.set(name.text, { name, names: [] });
    found.get(name.text).names.push(part);
  }
  const order = ({ name: one }, { name: other }) =>
    (one.author > other.author) - (one.author < other.author) || one.inc - other.inc || one.peerInc - other.peerInc;
  return [...found.values()].sort(order);
}

function readStatuses(name, names, parts, desks, faults) {
  const found = names.filter((part) => part.startsWith("statuses/"));
  return found.flatMap((part) => {
    const encoded = parts.get(part);
    const keysOf = () => desks.keysOf(name.author, name.inc);
    const status = faults.of(part, () => readStatus(encoded, desks.direction(name), keysOf));
    return status === null ? [] : [{ name, status, encoded }];
  });
}

/** Every part as it must be, written from what was read. @returns {Map<string, Uint8Array>} */
function writeParts(parts, reading, logs) {
  const files = pairingParts(parts);
  const written = new Map(PAIRING_PARTS.map((part, at) => [part, files[at]]));
  for (const desk of ["a", "b"]) {
    for (const { serial, encoded } of reading.desks.authors[desk].certificates.slice(1)) {
      written.set(`certificates/${desk}/${place(serial)}.bin`, encoded);
    }
  }
  for (const log of logs) writeLog(log, written);
  const counts = new Map();
  for (const { name, encoded } of reading.statuses) {
    const count = counts.get(name.text) ?? 0;
    written.set(`statuses/${name.text}/${place(count)}.bin`, encoded);
    counts.set(name.text, count + 1);
  }
  const words = new Words(reading, ENGLISH);
  written.set("readme.txt", readme(reading, words));
  written.set("summary.json", summary(reading, words));
  return written;
}

function writeLog({ folder, keys, entries, heads, hidden }, written) {
  written.set(`${folder}/log.vkey`, keyText(keys.log));
  written.set(`${folder}/custody.vkey`, keyText(keys.custody));
  const lines = hidden.map(({ start, end, hash }) => utf8(`${start} ${end} ${base64(hash)}\n`));
  written.set(`${folder}/tree.txt`, joinAll(lines));
  for (const head of heads) written.set(`${folder}/heads/${place(head.size)}.txt`, headNote(head, keys));
  for (let at = 0; at < entries.length; at += CHUNK_ENTRIES) {
    const chunk = entries.slice(at, at + CHUNK_ENTRIES);
    const values = chunk.map(({ encoded, blinding, shown }) => [encoded, blinding, shown]);
    written.set(`${folder}/entries/${place(chunk[0].leaf.index)}.bin`, encode(values));
  }
}

function place(number) {
  return String(number).padStart(16, "0");
}

function compareParts(found, expected, faults) {
  const note = (part, code) => faults.found.push({ part, rule: 41, code, facts: {} });
  const names = [...expected.keys()].sort();
  for (const part of names) if (!found.has(part)) note(part, "part-missing");
  for (const part of found.keys()) if (!expected.has(part)) note(part, "part-strange");
  for (const part of names) if (found.has(part) && !same(found.get(part), expected.get(part))) note(part, "part-changed");
}

/** What the evidence names, for whoever knows the identities. @param {Reading} reading @param {Set<string>} known fingerprints */
export function identitiesOf(reading, known) {
  const words = new Words(reading, ENGLISH);
  return ["a", "b"].map((side) => {
    const { desk, fingerprint, id } = reading.desks.authors[side].offer.identity;
    return { desk, fingerprint, id: hex(id), trusted: known.has(fingerprint), complete: words.isCompleteFor(side) };
  });
}
