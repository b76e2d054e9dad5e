// What evidence says, in words and as JSON (docs/evidence-words.md). English is part of the format; other languages are not.

import { hex, utf8 } from "./bytes.js";
import { ACKNOWLEDGE, CANCEL, DECLINE, ESCALATION_REPORT, HOLDING_REPLY, isAbout, NOTICE, PRECEDENCES, ROSTER, TEST, typeName } from "./entries.js";
import { README } from "./english.js";
import { json } from "./json.js";
import { digitsOf } from "./pairing.js";
import { plain, timeText } from "./plain.js";
import { silenceJson, silenceSentences } from "./silence_words.js";

const VERBS = { [NOTICE]: "answered", [ACKNOWLEDGE]: "acknowledged", [DECLINE]: "declined", [CANCEL]: "cancelled" };

/** Tells a reading in one language. */
export class Words {
  /** @param {import("./verdict.js").Reading} reading @param {any} say the sentences of a language, as english.js has them */
  constructor(reading, say) {
    Object.assign(this, { reading, say });
    const { a, b } = reading.desks.authors;
    const [first, second] = [a, b].map((author) => author.offer.identity.desk);
    this.names = first === second ? { a: `${first} (a)`, b: `${second} (b)` } : { a: first, b: second };
    this.related = relate(reading.entries);
    this.byPlace = new Map(reading.entries.map((entry) => [placeOf(entry), entry]));
    this.silent = new Map(reading.silences.map((each) => [placeOf(each.shown), each]));
  }

  /** Whether statuses of this desk cover every entry that is shown. */
  isCompleteFor(side) {
    return this.reading.entries.every((entry) => entry.covered.includes(side));
  }

  get isComplete() {
    return this.isCompleteFor("a") || this.isCompleteFor("b");
  }

  /** Every fact, without the condition that the fingerprints are theirs. @returns {string[]} */
  sentences() {
    const { say, names } = this;
    const { desks, entries, statuses } = this.reading;
    return [
      say.paired(names.a, names.b, digitsOf(desks.line)),
      ...this.amended(),
      ...(this.reading.terms.newest.showThirdParties ? [] : [say.notToBeShown(names.a, names.b)]),
      ...["a", "b"].flatMap((side) => this.remarks(side, desks.authors[side].certificates)),
      ...entries.map((entry) => this.sentence(entry)),
      ...statuses.map(({ name, status }) =>
        say.stated(names[name.author], timeText(status.time, say), status.size, status.heldSize, names[name.recipient]),
      ),
      ...this.reading.silences.flatMap((silence) => silenceSentences(this, silence)),
    ];
  }

  amended() {
    return this.reading.terms.amendments.map(({ pair, amendment: { terms, a, b } }) => {
      const logs = [{ author: "a", inc: pair.a, peerInc: pair.b }, { author: "b", inc: pair.b, peerInc: pair.a }];
      const places = [a, b].map((size, at) => this.say.entry(size - 1, this.log(logs[at])));
      return this.say.amended(terms.version, ...places);
    });
  }

  remarks(side, certificates) {
    const { say } = this;
    const { revoked } = certificates.at(-1);
    const told = revoked === null ? [] : [say.revoked(this.names[side], revoked[0], timeText(revoked[1], say))];
    const dates = ({ notBefore, notAfter }) => [timeText(notBefore, say), timeText(notAfter, say)];
    return told.concat(certificates.map((each) => say.certificate(this.names[side], each.serial, each.inc, ...dates(each))));
  }

  sentence(entry) {
    const { say, names } = this;
    const { author, recipient } = entry.name;
    const related = this.related.get(placeOf(entry)) ?? [];
    const clauses = [
      say.signed(names[author], this.place(entry), this.what(entry), timeText(entry.leaf.time, say)),
      this.release(entry),
      entry.received === null ? say.noReceipt(names[recipient]) : say.receipted(names[recipient], timeText(entry.received, say)),
      ...entry.witnessed.map(({ witness, time }) => say.witnessed(plain(witness), timeText(time, say))),
      ...related.map((relation) => this.relation(relation)),
      entry.covered.length === 0 ? say.provisional : say.covered(entry.covered.map((side) => names[side])),
    ];
    return clauses.filter((clause) => clause !== null).join(say.semicolon);
  }

  place({ name, leaf, number }) {
    return this.say.placed(leaf.index, number, this.log(name));
  }

  log({ author, inc, peerInc }) {
    return this.say.log(this.names[author], inc, peerInc);
  }

  what(entry) {
    const { say } = this;
    const { name, leaf, notice } = entry;
    const silent = this.silent.get(placeOf(entry));
    const target = leaf.re === null ? null : say.entry(leaf.re, this.log(leaf.type === CANCEL ? name : reversed(name)));
    if (target !== null && leaf.type in say.responses) return say.responses[leaf.type](target);
    let said = say.types[leaf.type] ?? say.unknownType(leaf.type);
    if (silent !== undefined) said = say.silence.what(silent.judgement.kind, silent.notice.leaf.index);
    if (notice !== null) said = say.notice(said, plain(notice.form), PRECEDENCES[notice.precedence], notice.exercise);
    if (leaf.type !== NOTICE || target === null) return said;
    if (notice?.form === ESCALATION_REPORT) return said + say.reports(target);
    return said + (notice?.form === HOLDING_REPLY ? say.promises(target) : say.answers(target));
  }

  release(entry) {
    const { say } = this;
    const author = this.names[entry.name.author];
    if (entry.body === null) return say.hidden;
    if (entry.released === null) return null;
    if (!entry.released) return say.notReleased;
    if (entry.signers.length > 0) return say.released(this.officers(entry), entry.leaf.type);
    return entry.leaf.type === ROSTER ? say.signedByIdentity(author) : say.sentByMachine(author);
  }

  officers(entry) {
    return this.say.officers(entry.signers.map((signer) => this.officer(signer)), this.names[entry.name.author]);
  }

  officer({ officer, remark }) {
    return this.say.officer(officer.number, officer.role, officer.name, remark);
  }

  relation({ verb, by, counts }) {
    const { say } = this;
    const desk = this.names[by.name.author];
    const where = say.entry(by.leaf.index, this.log(by.name));
    if (by.body === null) return say.marked(where, verb);
    if (!counts) return say.doesNotCount(where, verb, desk);
    return say.did(by.signers.length > 0 ? this.officers(by) : desk, verb, where);
  }

  /** Every entry as JSON values, members in their order. @returns {Map<string, any>[]} */
  entries() {
    return this.reading.entries.map((entry) => this.told(entry));
  }

  /** Which witnesses saw the entry of a certificate. @returns {{witness: string, time: string}[]} */
  seenBy({ name, leaf }) {
    return this.byPlace.get(placeOf({ name, leaf })).witnessed.map(({ witness, time }) => ({ witness, time: timeText(time, this.say) }));
  }

  /** Every silence certificate as JSON values. @returns {Record<string, any>[]} */
  silences() {
    return this.reading.silences.map((silence) => silenceJson(this, silence));
  }

  told(entry) {
    const { name, leaf, body } = entry;
    const told = new Map(
      Object.entries({
        log: name.text,
        author: this.names[name.author],
        index: leaf.index,
        number: entry.number,
        type: typeName(leaf.type),
        time: timeText(leaf.time, this.say),
        re: leaf.re,
        shown: body !== null,
        received: entry.received === null ? null : timeText(entry.received, this.say),
        covered_by: entry.covered.map((side) => this.names[side]),
        released: entry.released,
        officers: entry.signers.map(({ officer: { number, role, name: called }, remark }) => ({ number, role, name: called, remark })),
      }),
    );
    if (entry.witnessed.length > 0) {
      told.set("witnessed", entry.witnessed.map(({ witness, time }) => ({ witness, time: timeText(time, this.say) })));
    }
    const silent = this.silent.get(placeOf(entry));
    const content = silent === undefined ? contentOf(entry) : { silence: silent.judgement.kind, about: silent.notice.leaf.index };
    for (const [member, value] of Object.entries(content)) told.set(member, value);
    for (const { verb, by, counts } of this.related.get(placeOf(entry)) ?? []) {
      const member = `${verb}_by`;
      if (!told.has(member)) told.set(member, []);
      told.get(member).push({ log: by.name.text, index: by.leaf.index, counts });
    }
    return told;
  }
}

/** The text for people who open the archive without a verifier. @param {Words} words in English @returns {Uint8Array} */
export function readme(reading, words) {
  const identity = (side) => `  ${side}: ${words.names[side]}\n     fingerprint ${reading.desks.authors[side].offer.identity.fingerprint}\n`;
  const facts = words.sentences().map((sentence) => `- ${sentence}.\n`);
  return utf8(README(identity("a") + identity("b"), facts.join("")));
}

/** The same as JSON, one entry on a line. @param {Words} words in English @returns {Uint8Array} */
export function summary(reading, words) {
  const desk = (side) => {
    const { desk: called, fingerprint, id } = reading.desks.authors[side].offer.identity;
    return { desk: called, fingerprint, id: hex(id), complete: words.isCompleteFor(side) };
  };
  const head = json({ evidence: "watchline/1", line: hex(reading.desks.line), desks: { a: desk("a"), b: desk("b") } });
  const entries = words.entries().map(json);
  const silences = words.silences().map(json);
  const told = silences.length === 0 ? "" : `, "silences": [\n${silences.join(",\n")}\n]`;
  return utf8(`${head.slice(0, -1)}, "entries": [\n${entries.join(",\n")}\n]${told}}\n`);
}

function contentOf({ body, notice, response }) {
  if (notice !== null) return noticeValues(notice);
  if (response !== null) return { language: response.language, reason: response.reason };
  return body === null ? {} : { content: hex(body.content) };
}

function noticeValues({ form, version, precedence, exercise, language, fields }) {
  const told = new Map([...fields].map(([number, value]) => [String(number), fieldValue(value)]));
  return { form, version, precedence: PRECEDENCES[precedence], exercise, language, fields: told };
}

/** A value of a form as JSON that can be read in one way only: bytes and maps, which JSON has not, are named. */
function fieldValue(value) {
  if (value instanceof Uint8Array) return { bytes: hex(value) };
  if (value instanceof Map) return { map: [...value].map(([key, item]) => [key, fieldValue(item)]) };
  return Array.isArray(value) ? value.map(fieldValue) : value;
}

function reversed({ author, recipient, inc, peerInc }) {
  return { author: recipient, recipient: author, inc: peerInc, peerInc: inc, text: `${recipient}-${peerInc}-${inc}` };
}

function placeOf({ name, leaf }) {
  return `${name.text} ${leaf.index}`;
}

function targetOf({ name, leaf }) {
  return leaf.re === null ? null : `${leaf.type === CANCEL ? name.text : name.reverse} ${leaf.re}`;
}

/** Which shown entries refer to which: by the place of what is referred to. */
function relate(entries) {
  const byPlace = new Map(entries.map((entry) => [placeOf(entry), entry]));
  const related = new Map();
  for (const entry of entries) {
    const target = targetOf(entry);
    const verb = entry.notice?.form === HOLDING_REPLY ? "held" : VERBS[entry.leaf.type];
    if (target === null || verb === undefined || entry.notice?.form === ESCALATION_REPORT) continue;
    const meant = byPlace.get(target);
    const { inc, peerInc, index } = meant?.body?.mark ?? {};
    const first = inc === undefined ? undefined : byPlace.get(`${meant.name.author}-${inc}-${peerInc} ${index}`);
    const counts = hasPeople(entry, meant) && namesItsEntry(entry, [meant, first]);
    if (!related.has(target)) related.set(target, []);
    related.get(target).push({ verb, by: entry, counts });
  }
  return related;
}

/** Whether people stand behind what an entry says to another one; a test of the line is answered without them (rule 24). */
function hasPeople({ released, signers }, meant) {
  return released === true && (signers.length > 0 || meant?.notice?.form === TEST);
}

/** Whether what an officer signed is about the entry that the leaf refers to, or about its first copy (rules 24, 30). */
function namesItsEntry({ leaf, response }, meant) {
  if (leaf.type !== ACKNOWLEDGE && leaf.type !== DECLINE) return true;
  return response !== null && meant.some((entry) => entry !== undefined && isAbout(response, leaf.type, entry.leaf));
}
