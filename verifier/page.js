// The page: takes files, shows the verdict. Whatever came from a file is put in as text, never as markup.

import { hex, same, utf8 } from "./bytes.js";
import { CHINESE, CHINESE_FAULTS, CHINESE_PAGE } from "./chinese.js";
import { rememberSignatures, sha256, verifyEd25519 } from "./crypto.js";
import { ENGLISH, ENGLISH_FAULTS, ENGLISH_PAGE } from "./english.js";
import { JAPANESE, JAPANESE_FAULTS, JAPANESE_PAGE } from "./japanese.js";
import { json } from "./json.js";
import { readIdentity } from "./keys.js";
import { Refusal } from "./refusal.js";
import { report } from "./report.js";
import { identitiesOf, verify } from "./verdict.js";
import { Words } from "./words.js";

const FILE_BYTES_MAX = 2 ** 30;
const SHOWN_AT_ONCE = 500;
const IDENTITY_MAGIC = utf8("watchline identity 1\n");
const LANGUAGES = {
  en: { say: ENGLISH, faults: ENGLISH_FAULTS, page: ENGLISH_PAGE },
  ja: { say: JAPANESE, faults: JAPANESE_FAULTS, page: JAPANESE_PAGE },
  "zh-Hans": { say: CHINESE, faults: CHINESE_FAULTS, page: CHINESE_PAGE },
};

// Elements, and which of a language's texts stands in each.
const LABELS = {
  title: "title",
  intro: "intro",
  choose: "choose",
  "trust-title": "trust",
  "trust-help": "trustHelp",
  "trust-files": "trustFiles",
};

// What would hide or turn what stands beside it is shown by its number.
const UNSEEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

function visible(text) {
  return text.replace(UNSEEN, (letter) => `\u27e8U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`);
}

class Page {
  constructor() {
    this.language = languageOf(navigator.languages ?? []);
    this.shown = null; // the verdict and file that are shown
    this.message = null; // or the member of a page's texts that is
    this.identityFiles = new Map(); // fingerprints by the names of files that hold them; null: unreadable
    for (const button of document.querySelectorAll("[data-language]")) {
      button.addEventListener("click", () => this.speak(button.dataset.language));
    }
    element("evidence").addEventListener("change", (event) => this.take(event.target.files[0]));
    element("identity-files").addEventListener("change", (event) => this.takeIdentities([...event.target.files]));
    element("fingerprints").addEventListener("input", () => this.show());
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      element("drop").classList.add("over");
    });
    document.addEventListener("dragleave", () => element("drop").classList.remove("over"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      element("drop").classList.remove("over");
      this.take(event.dataTransfer.files[0]);
    });
    this.speak(this.language);
  }

  get texts() {
    return LANGUAGES[this.language].page;
  }

  speak(language) {
    this.language = language;
    document.documentElement.lang = language;
    document.title = this.texts.title;
    for (const button of document.querySelectorAll("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === language));
    }
    element("languages").setAttribute("aria-label", this.texts.language);
    for (const [id, text] of Object.entries(LABELS)) element(id).textContent = this.texts[text];
    this.show();
  }

  async take(file) {
    if (file === undefined) return;
    this.shown = null;
    this.message = file.size > FILE_BYTES_MAX ? "tooLarge" : "checking";
    this.show();
    if (this.message === "tooLarge") return;
    await new Promise((resolve) => setTimeout(resolve)); // so that the message is seen
    try {
      const data = new Uint8Array(await file.arrayBuffer());
      const begin = performance.now();
      const verdict = verify(data);
      this.shown = { name: file.name, digest: hex(sha256(data)), verdict, milliseconds: performance.now() - begin };
      this.message = null;
    } catch (error) {
      this.message = "unreadable";
      console.error(error);
    }
    this.show();
  }

  async takeIdentities(files) {
    for (const file of files) {
      let fingerprint = null;
      try {
        if (file.size <= 4096) fingerprint = identityIn(new Uint8Array(await file.arrayBuffer()));
      } catch (error) {
        if (!(error instanceof Refusal)) console.error(error);
      }
      this.identityFiles.set(file.name, fingerprint);
    }
    this.show();
  }

  /** The fingerprints that whoever looks at the page knows to be genuine; null for what could not be read. */
  trusted() {
    const lines = element("fingerprints").value.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    return [...lines.map(fingerprintIn), ...this.identityFiles.values()];
  }

  show() {
    const given = this.trusted();
    const known = new Set(given.filter((fingerprint) => fingerprint !== null));
    const unread = given.filter((fingerprint) => fingerprint === null).length;
    const counts = [known.size > 0 ? this.texts.trustRead(known.size) : "", unread > 0 ? this.texts.trustBad(unread) : ""];
    element("trusted").textContent = counts.join(" ").trim();
    const verdict = element("verdict"), whole = element("report");
    verdict.replaceChildren();
    whole.replaceChildren();
    if (this.message !== null) verdict.append(made("p", this.texts[this.message]));
    if (this.shown !== null) {
      verdict.dataset.milliseconds = String(Math.round(this.shown.milliseconds));
      this.showVerdict(verdict, known);
      this.showReport(whole, known);
    }
  }

  showVerdict(place, known) {
    const { verified, complete, reading } = this.shown.verdict;
    const word = verified ? (complete ? "verified" : "provisional") : "notVerified";
    const heading = made("h2", this.texts[word]);
    heading.className = { verified: "good", provisional: "provisional", notVerified: "bad" }[word];
    place.append(heading, made("p", this.texts[`${word}Meaning`]));
    if (!verified) return;
    const named = new Set(identitiesOf(reading, known).map((identity) => identity.fingerprint));
    if ([...known].some((fingerprint) => !named.has(fingerprint))) place.append(made("p", this.texts.missing, "bad"));
  }

  showReport(place, known) {
    const { name, digest, verdict } = this.shown;
    const { texts } = this;
    const { say, faults } = LANGUAGES[this.language];
    place.append(table(texts.file, [], [[name, `SHA-256 ${digest}`]]));
    if (verdict.reading === null) {
      const rows = verdict.faults.map(({ part, rule, code, facts }) => [part || texts.whole, String(rule), faults[code](facts)]);
      place.append(table(texts.faults, [texts.part, texts.rule, texts.what], rows));
      return;
    }
    const identities = identitiesOf(verdict.reading, known);
    const condition = identities.every((identity) => identity.trusted) ? "" : say.condition;
    const words = new Words(verdict.reading, say);
    const rows = identities.map(({ desk, fingerprint, trusted, complete }) => [
      desk,
      fingerprint,
      trusted ? texts.yes : texts.no,
      complete ? texts.completeYes : texts.completeNo,
    ]);
    place.append(
      table(texts.identities, [texts.desk, texts.fingerprint, texts.trusted, texts.complete], rows),
      ...this.silences(words),
      made("h2", texts.facts),
      this.list("ul", words.sentences(), (sentence) => made("li", condition + sentence)),
      made("h2", texts.entries),
      this.list("div", words.entries(), (entry) => made("pre", entryText(entry))),
    );
  }

  /** A table of the silence certificates that are shown; none where there are none. */
  silences(words) {
    const { texts } = this;
    const rows = this.shown.verdict.reading.silences.map(({ shown, judgement, notice }) => {
      const { author, recipient } = shown.name;
      const said = judgement.saidBy === "peer" ? texts.saidByPeer(words.names[recipient]) : texts.saidByAuthor(words.names[author]);
      const seen = words.seenBy(shown).map(({ witness, time }) => texts.seenBy(witness, time));
      const halves = judgement.provisional ? texts.oneHalf : texts.bothHalves;
      return [
        words.place({ ...shown, number: null }), texts.silenceKinds[judgement.kind], words.place(notice), said,
        judgement.saidBy === "peer" ? halves : texts.noHalf, seen.length === 0 ? texts.seenByNone : seen.join("; "),
      ];
    });
    const headings = [texts.certificate, texts.kind, texts.about, texts.saidBy, texts.signatures, texts.witnesses];
    return rows.length === 0 ? [] : [table(texts.silences, headings, rows)];
  }

  /** A list of which the first ones are shown, and the next ones for a press of a button. */
  list(tag, items, make) {
    const found = document.createElement(tag === "ul" ? "div" : tag);
    const listed = document.createElement(tag);
    found.append(listed);
    const showFrom = (start) => {
      listed.append(...items.slice(start, start + SHOWN_AT_ONCE).map(make));
      const left = items.length - start - SHOWN_AT_ONCE;
      if (left <= 0) return;
      const button = made("button", this.texts.more(left));
      button.type = "button";
      button.addEventListener("click", () => {
        button.remove();
        showFrom(start + SHOWN_AT_ONCE);
      });
      found.append(button);
    };
    showFrom(0);
    return found;
  }
}

function element(id) {
  return document.getElementById(id);
}

function made(tag, text, name = "") {
  const element_ = document.createElement(tag);
  element_.textContent = visible(text);
  if (name !== "") element_.className = name;
  return element_;
}

function entryText(entry) {
  const line = ([member, value]) => `${member}: ${typeof value === "string" ? value.replaceAll("\n", " ") : json(value)}`;
  return [...entry].map(line).join("\n");
}

function table(title, headings, rows) {
  const found = document.createElement("table");
  found.append(made("caption", title));
  const row = (tag, cells) => {
    const line = document.createElement("tr");
    line.append(...cells.map((cell) => made(tag, cell)));
    for (const cell of tag === "th" ? line.children : []) cell.scope = "col";
    return line;
  };
  found.append(...(headings.length > 0 ? [row("th", headings)] : []), ...rows.map((cells) => row("td", cells)));
  return found;
}

function languageOf(wanted) {
  for (const language of wanted) {
    const [primary] = language.toLowerCase().split("-");
    if (primary === "zh") return "zh-Hans";
    if (primary in LANGUAGES) return primary;
  }
  return "en";
}

/** The fingerprint on a line, spaces or not; null where there is none. */
function fingerprintIn(line) {
  const digits = line.replace(/[\s:-]/g, "").toLowerCase();
  return /^[0-9a-f]{40}$/.test(digits) ? digits.match(/.{4}/g).join(" ") : null;
}

/** The fingerprint of the identity in a file that `watchline identity --out` wrote; null for another file. */
function identityIn(data) {
  const length = IDENTITY_MAGIC.length;
  return same(data.subarray(0, length), IDENTITY_MAGIC) ? readIdentity(data.subarray(length)).fingerprint : null;
}

globalThis.watchlineVerifier = Object.freeze({ rememberSignatures, report, verifyEd25519 });
if (typeof document !== "undefined") new Page();
