// One log as evidence shows it: entries, tree heads and the tree that ties them (docs/evidence.md, "In which order").

import { fromBase64, fromUtf8, hex, number, same } from "./bytes.js";
import { decode } from "./cbor.js";
import { verifyEd25519 } from "./crypto.js";
import * as entries from "./entries.js";
import { leafHash, rootsOf } from "./merkle.js";
import { checkSignature, cosigned, logKeys, readCheckpoint, readNote } from "./notes.js";
import { Refusal } from "./refusal.js";
import { judge } from "./release.js";
import * as shapes from "./shapes.js";
import { readShown, restedOn } from "./silences.js";
import { readTerms } from "./terms.js";
import { LogWitnesses } from "./witnesses.js";

const CHUNK_ENTRIES = 1024;
const TREE_LINE = /^(0|[1-9][0-9]{0,15}) (0|[1-9][0-9]{0,15}) ([A-Za-z0-9+/=]+)$/;

/**
 * @typedef {{author: "a" | "b", inc: number, peerInc: number, text: string, recipient: "a" | "b", reverse: string}} LogName
 * @typedef {{leaf: import("./entries.js").Leaf, encoded: Uint8Array, blinding: Uint8Array | null, shown: Uint8Array | null}} ShownEntry
 * @typedef {{size: number, root: Uint8Array, signature: Uint8Array | null, receipt: {time: number, signature: Uint8Array} | null,
 *   cosignatures: [import("./notes.js").VerifierKey, Uint8Array][]}} Head
 */

/** @returns {LogName} */
export function logName(author, inc, peerInc) {
  const recipient = author === "a" ? "b" : "a";
  return { author, inc, peerInc, text: `${author}-${inc}-${peerInc}`, recipient, reverse: `${recipient}-${peerInc}-${inc}` };
}

/** Reads the parts of one log: `open`, then `read`. After that, `entries` and the others are there only if the log holds together. */
export class LogReader {
  /** @param {LogName} name @param {string[]} names of its parts @param {Map<string, Uint8Array>} parts */
  constructor(name, names, parts, desks, faults) {
    Object.assign(this, { name, names, parts, desks, faults, folder: `logs/${name.text}` });
    this.direction = desks.direction(name);
    /** @type {ShownEntry[]} */ this.entries = [];
    /** @type {Head[]} */ this.heads = [];
    /** @type {{start: number, end: number, hash: Uint8Array}[]} */ this.hidden = [];
    this.covers = [];
    this.releases = new Map();
    this.keys = null;
    /** @type {Map<number, {part: string, text: Uint8Array, lines: any[]}>} what is by neither desk, by size */ this.beside = new Map();
    /** @type {LogWitnesses | null} */ this.witnesses = null;
  }

  /** Read the entries; gives the silence certificates among them. @returns {import("./silences.js").Shown[]} */
  open() {
    const before = this.faults.found.length, silences = [];
    this.found = this.readEntries(silences);
    this.holds = this.faults.found.length === before;
    return silences;
  }

  /**
   * @param {{name: LogName, status: import("./statuses.js").Status}[]} statuses
   * @param {import("./silences.js").Shown[]} silences of all logs
   */
  read(statuses, silences) {
    const before = this.faults.found.length, shown = this.found;
    this.keys = this.faults.of(this.folder, () => this.readKeys());
    const heads = this.keys === null ? [] : this.readHeads();
    const covers = statuses.flatMap((said) => this.coveredBy(said));
    const rested = silences.flatMap((silence) => restedOn(silence, this.name));
    if (!this.holds || this.faults.found.length > before) return;
    const part = `${this.folder}/tree.txt`;
    this.faults.of(part, () => {
      this.hidden = readTree(this.parts.get(part) ?? new Uint8Array(0));
      this.checkRoots(shown, [...heads, ...covers, ...rested], heads);
      Object.assign(this, { entries: shown, heads, covers });
    });
  }

  partsIn(folder) {
    return this.names.filter((part) => part.startsWith(`${this.folder}/${folder}/`));
  }

  readEntries(silences) {
    /** @type {ShownEntry[]} */
    const shown = [];
    for (const part of this.partsIn("entries")) {
      this.faults.of(part, () => {
        for (const [encoded, blinding, body] of readChunk(this.parts.get(part))) {
          const leaf = entries.readLeaf(encoded);
          if (!entries.isSameDirection(leaf.direction, this.direction)) throw new Refusal("leaf-place", 7);
          if (shown.length > 0 && leaf.index <= shown.at(-1).leaf.index) throw new Refusal("entry-order", 41);
          if (body !== null) entries.checkCommitment(leaf, blinding, body);
          if (body !== null && leaf.type === entries.SILENCE) silences.push(readShown(part, this.name, leaf, body, this.desks));
          shown.push({ leaf, encoded, blinding, shown: body });
        }
      });
    }
    return shown;
  }

  readKeys() {
    const { author, inc, recipient, peerInc } = this.name;
    const log = this.desks.keysOf(author, inc).log, custody = this.desks.keysOf(recipient, peerInc).custody;
    return logKeys(this.direction, log, custody);
  }

  readHeads() {
    const heads = [];
    for (const part of this.partsIn("heads")) {
      this.faults.of(part, () => {
        const head = this.readHead(part);
        if (heads.length > 0 && head.size <= heads.at(-1).size) throw new Refusal("head-order", 41);
        heads.push(head);
      });
    }
    return heads;
  }

  /** @returns {Head} */
  readHead(part) {
    const { log, custody } = this.keys;
    const { text, signatures } = readNote(this.parts.get(part));
    const { origin, size, root } = readCheckpoint(text);
    if (origin !== log.name) throw new Refusal("note-place", 9);
    const own = signatures.filter(({ name }) => name === log.name || name === custody.name);
    const keyOf = ({ name }) => (name === custody.name ? custody : log);
    for (const { name, id, blob } of own) {
      if (same(id, keyOf({ name }).id)) continue;
      throw new Refusal(name === custody.name && this.isAuthorsOwn(text, blob) ? "own-receipt" : "strange-signer", 23);
    }
    for (const signed of own) checkSignature(keyOf(signed), text, signed.blob);
    const lines = signatures.filter((signed) => !own.includes(signed));
    if (lines.length > 0) this.beside.set(size, { part, text, lines });
    const by = (key) => own.filter(({ name }) => name === key.name).map(({ blob }) => blob);
    const [signature = null] = by(log), [receipt = null] = by(custody);
    const given = receipt === null ? null : { time: number(receipt.subarray(0, 8)), signature: receipt.subarray(8) };
    return { size, root, signature, receipt: given, cosignatures: [] };
  }

  /** Read what witnesses say on the heads. @param {import("./terms.js").Terms[]} versions of this log's pair */
  readWitnesses(versions) {
    this.witnesses = new LogWitnesses(versions, this.keys);
    for (const head of this.heads) {
      const said = this.beside.get(head.size);
      if (said !== undefined) head.cosignatures = this.faults.of(said.part, () => this.witnesses.read(head, said)) ?? [];
    }
  }

  isAuthorsOwn(text, blob) {
    const own = this.desks.keysOf(this.name.author, this.name.inc);
    const message = cosigned(number(blob.subarray(0, 8)), text);
    return [own.custody, own.log].some((key) => verifyEd25519(key, blob.subarray(8), message));
  }

  /** What a status says of this log: its speaker's own, or the one that it hears. */
  coveredBy({ name, status }) {
    if (name.text === this.name.text) return [{ desk: name.author, size: status.size, root: status.root }];
    return name.text === this.name.reverse ? [{ desk: name.author, size: status.heldSize, root: status.heldRoot }] : [];
  }

  checkRoots(shown, claims, heads) {
    const signed = Math.max(0, ...heads.filter((head) => head.signature !== null).map((head) => head.size));
    if (shown.length > 0 && shown.at(-1).leaf.index >= signed) throw new Refusal("head-cover", 9);
    const sizes = [...new Set(claims.map((claim) => claim.size))].sort((one, other) => one - other);
    const leaves = new Map(shown.map(({ leaf, encoded }) => [leaf.index, leafHash(encoded)]));
    const roots = rootsOf(leaves, sizes, this.hidden);
    for (const { size, root } of claims) {
      if (!same(roots.get(size), root)) throw new Refusal("root", 7, { size });
    }
  }

  /** The bodies of the entries that were issued again, by log and index; none in the first pair of a line. */
  issuedAgain() {
    if (this.name.inc === 1 && this.name.peerInc === 1) return [];
    return this.entries.flatMap(({ leaf, shown }) => {
      const body = shown === null ? null : entries.readable(() => entries.readBody(shown));
      return body === null || body.mark === null ? [] : [[`${this.name.text} ${leaf.index}`, body]];
    });
  }

  /** The bodies that are shown and can be read, in their order. @returns {import("./entries.js").Body[]} */
  bodies() {
    return this.entries.map(readableBody).filter((body) => body !== null);
  }

  /**
   * Whether the release of an entry counted before: in this log, or in one of an earlier pair; there only what is issued again,
   * with the same content, counts once more (rules 8, 30). nonces: of this log so far; the entry's own is added.
   */
  isUsed({ content, nonce, mark }, nonces) {
    if (nonce === null) return false;
    const key = hex(nonce), isOwn = nonces.has(key);
    nonces.add(key);
    const first = this.releases.get(`${this.name.author} ${key}`) ?? { log: this.name.text, content };
    return isOwn || (first.log !== this.name.text && (mark === null || !same(content, first.content)));
  }

  /** What entry 0 says of the pair before; null where that is not shown. */
  continues() {
    const first = this.entries[0];
    const body = first?.leaf.index === 0 ? readableBody(first) : null;
    return body === null ? null : entries.readContinues(body.content);
  }

  /** The texts of terms that two people of the author entered (rule 6). @returns {import("./amendments.js").Entered[]} */
  entered() {
    if (this.entries.every(({ leaf }) => leaf.type !== entries.TERMS)) return [];
    const { offer: { roster, identity } } = this.desks.authors[this.name.author];
    const found = [], nonces = new Set();
    let author = { roster, identity, terms: this.desks.terms };
    for (const { leaf, shown } of this.entries) {
      const body = readableBody({ shown });
      if (body === null) continue;
      const isRoster = leaf.type === entries.ROSTER;
      const release = isRoster || leaf.type === entries.TERMS ? judge({ leaf, body, notice: null }, null, author, leaf.time) : null;
      author = { ...author, roster: release?.roster ?? author.roster };
      const isUsed = this.isUsed(body, nonces);
      const terms = release?.released && !isUsed && !isRoster ? entries.readable(() => readTerms(body.content)) : null;
      if (terms !== null) found.push({ index: leaf.index, peerSize: leaf.peerSize, terms });
    }
    return found;
  }

  /**
   * Each entry with what can be said of it.
   * @param {Map<string, import("./entries.js").Body>} issuedAgain of all logs
   * @param {import("./amendments.js").ShownTerms} shownTerms
   */
  judge(issuedAgain, shownTerms) {
    const author = this.desks.authors[this.name.author];
    let { roster } = author.offer;
    const reach = this.standing().map((desk) => {
      const sizes = this.covers.filter((cover) => cover.desk === desk).map((cover) => cover.size);
      return { desk, size: Math.max(0, ...sizes) };
    });
    const receipts = this.heads.filter((head) => head.receipt !== null);
    let next = 0; // the first receipt that may cover the entry at hand
    const nonces = new Set();
    let last = null; // the number of the last numbered entry; null where nobody can count
    return this.entries.map(({ leaf, shown }, count) => {
      while (next < receipts.length && receipts[next].size <= leaf.index) next += 1;
      const received = receipts[next]?.receipt.time ?? null;
      const covered = reach.filter(({ size }) => size > leaf.index).map(({ desk }) => desk);
      const body = shown === null ? null : this.faults.of(`${this.folder}/entries`, () => entries.readBody(shown));
      last = count === leaf.index ? nextNumber(last, leaf, body) : null;
      const terms = shownTerms.at(this.name, leaf);
      const witnessed = this.witnesses?.of(terms, leaf.index) ?? [];
      const told = { notice: null, response: null, released: null, signers: [] };
      const entry = { name: this.name, leaf, body, received, covered, witnessed, terms, ...told };
      entry.number = body?.mark ? body.mark.number : entries.NUMBERED.includes(leaf.type) ? last : null;
      if (body === null) return entry;
      if (leaf.type === entries.NOTICE) entry.notice = entries.readNotice(body.content);
      if (leaf.type === entries.ACKNOWLEDGE || leaf.type === entries.DECLINE) entry.response = entries.readResponse(body.content);
      const log = leaf.type === entries.CANCEL ? this.name.text : this.name.reverse;
      const target = leaf.re === null ? null : (issuedAgain.get(`${log} ${leaf.re}`) ?? null);
      const { identity } = author.offer;
      const release = judge(entry, target, { roster, identity, terms }, received ?? leaf.time);
      roster = release.roster;
      entry.released = release.released;
      entry.signers = release.signers;
      if (this.isUsed(body, nonces)) Object.assign(entry, { released: false, signers: [] });
      return entry;
    });
  }

  /** The desks whose statuses count here: not of an incarnation that was revoked, as nothing in evidence dates them (rule 2). */
  standing() {
    const met = { [this.name.author]: this.name.inc, [this.name.recipient]: this.name.peerInc };
    return ["a", "b"].filter((desk) => met[desk] > (this.desks.authors[desk].certificates.at(-1).revoked?.[0] ?? 0));
  }
}

/**
 * In which log each release nonce of an author was shown first, and with what content, where it may be shown in several: a
 * release counts once on a line, not once in each pair of incarnations (rule 8).
 * @param {LogReader[]} logs those of one author in the order of their pairs @returns {Map<string, {log: string, content: Uint8Array}>}
 */
export function firstReleases(logs) {
  const found = new Map();
  for (const log of logs) {
    if (logs.every(({ name }) => name.author !== log.name.author || name === log.name)) continue;
    for (const { nonce, content } of log.bodies()) {
      const key = nonce === null ? null : `${log.name.author} ${hex(nonce)}`;
      if (key !== null && !found.has(key)) found.set(key, { log: log.name.text, content });
    }
  }
  return found;
}

/** The body of a shown entry; null where it is not shown, or is none. */
function readableBody({ shown }) {
  return shown === null ? null : entries.readable(() => entries.readBody(shown));
}

function readChunk(data) {
  return shapes.array(decode(data), "entries", null, CHUNK_ENTRIES).map((entry) => {
    const [leaf, blinding, body] = shapes.array(entry, "entry", 3);
    shapes.octetsTo(leaf, "leaf", 512);
    if (blinding !== null || body !== null) {
      shapes.octets(blinding, "blinding", 32);
      shapes.octetsTo(body, "body", entries.BODY_BYTES_MAX);
    }
    return [leaf, blinding, body];
  });
}

function readTree(data) {
  const text = fromUtf8(data);
  if (text === "") return [];
  if (!text?.endsWith("\n")) throw new Refusal("tree-line", 41);
  return text.slice(0, -1).split("\n").map((line) => {
    const [, start, end, encoded] = TREE_LINE.exec(line) ?? [];
    const hash = encoded === undefined ? null : fromBase64(encoded);
    if (hash === null) throw new Refusal("tree-line", 41);
    return { start: Number(start), end: Number(end), hash };
  });
}

/** The number after this leaf; issued again keeps its number, and what may be and is not shown ends the counting (rule 30). */
function nextNumber(last, leaf, body) {
  if (leaf.index === 0 && body !== null && leaf.type === entries.CONTINUES) return entries.readLastNumber(body.content);
  if (last === null || !entries.NUMBERED.includes(leaf.type)) return last;
  const isFirstPair = leaf.direction.inc === 1 && leaf.direction.peerInc === 1;
  if (body === null && !isFirstPair) return null;
  return body?.mark ? last : last + 1;
}
