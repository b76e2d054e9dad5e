// English. The sentences and the readme are part of the format of evidence (docs/evidence-words.md); the rest is the page's.

import { ACKNOWLEDGE, CANCEL, DECLINE, typeName } from "./entries.js";

const REMARKS = { early: ", before the dates of the key", expired: ", after the dates of the key" };

export const ENGLISH = {
  condition: "if these fingerprints are theirs, ",
  semicolon: "; ",
  types: Object.fromEntries(Array.from({ length: 11 }, (_, type) => [type, typeName(type)])),
  unknownType: (type) => typeName(type),
  responses: {
    [ACKNOWLEDGE]: (entry) => `acknowledgement of ${entry}`,
    [DECLINE]: (entry) => `decline of ${entry}`,
    [CANCEL]: (entry) => `cancellation of ${entry}`,
  },
  seconds: (seconds) => `${seconds} seconds after 1970`,
  paired: (a, b, digits) =>
    `${a} and ${b} paired the line with the digits ${digits} by three files, each signed by its identity with both algorithms`,
  notToBeShown: (a, b) => `${a} and ${b} agreed not to show evidence of this line to others`,
  revoked: (desk, inc, time) =>
    `${desk} revoked its incarnation ${inc} from ${time}; nothing shown here dates what that incarnation signed before it`,
  certificate: (desk, serial, inc, from, to) =>
    `${desk}'s certificate ${serial}, of incarnation ${inc}, is dated from ${from} to ${to}`,
  log: (desk, inc, peerInc) => `${desk}'s log ${inc}-${peerInc}`,
  entry: (index, log) => `entry @${index} of ${log}`,
  placed: (index, number, log) => `entry @${index}${number === null ? "" : ` (number ${number})`} of ${log}`,
  signed: (desk, where, what, time) => `${desk}'s log key signed ${where} (${what}), by its own claim at ${time}`,
  notice: (type, form, precedence, exercise) => `${type} ${form}, ${precedence}${exercise ? ", EXERCISE" : ""}`,
  answers: (entry) => `, answer to ${entry}`,
  promises: (entry) => `, promise of an answer to ${entry}`,
  hidden: "its content is not shown, so nothing can be said of who released it",
  notReleased: "NOT RELEASED: the people whom the terms ask for did not sign it",
  signedByIdentity: (desk) => `the identity of ${desk} signed this change of its officers`,
  sentByMachine: (desk) => `a machine of ${desk} sent it, as the terms allow`,
  released: (officers, type) =>
    `${officers} ${{ [ACKNOWLEDGE]: "signed the acknowledgement", [DECLINE]: "signed the decline" }[type] ?? "released it"}`,
  officer: (number, role, name, remark) => `officer ${number} (${role}${name === null ? "" : `, ${name}`}${REMARKS[remark] ?? ""})`,
  officers: (officers, desk) => `${officers.join(" and ")} of ${desk}`,
  noReceipt: (desk) => `no receipt by ${desk} is shown`,
  receipted: (desk, time) => `${desk}'s custody key receipted it at ${time} by its own clock`,
  marked: (where, verb) => `${where}, the content of which is not shown, is marked as having ${verb} it`,
  doesNotCount: (where, verb, desk) =>
    `${where} is marked as having ${verb} it, but does not count: no people of ${desk} signed that`,
  did: (who, verb, where) => `${who} ${verb} it in ${where}`,
  provisional: "no status with both signatures covers it yet (provisional)",
  covered: (desks) => `it is covered by a status of ${desks.join(" and one of ")} with both signatures (complete)`,
  stated: (desk, time, size, held, peer) =>
    `${desk} stated at ${time} by its own clock, with both signatures, that its log had ${size} entries and that it held ${held} of ${peer}'s`,
};

export const README = (identities, facts) => `\
EVIDENCE OF A WATCHLINE LINE (watchline/1)

Two desks write to each other, each in a log of its own. This archive shows entries of these logs and all that is needed to
check who signed them. \`watchline verify FILE\` checks every byte without a network; docs/evidence.md of the project says how
to do it without that program.

Desks:
${identities}
Compare these fingerprints with what the desks published themselves. Anybody can make two desks up and let them say anything:
what follows holds if these fingerprints are theirs.

${facts}
What no time is given for by somebody else's clock, nobody but the one who says it dates. A time is always by the clock of the
desk that is named with it. "Provisional" means that the signatures shown are Ed25519 alone; a status with both signatures is
also signed with ML-DSA-44.

Parts:
  readme.txt, summary.json        this text and the contents of the entries; written from the other parts
  pairing/1.bin, 2.bin, 3.bin     the files that made the line: identities, first certificates, officers, terms
  certificates/                   later certificates of the desks
  logs/AUTHOR-INC-PEERINC/        one log: AUTHOR is a (who invited) or b, then both incarnations
    log.vkey, custody.vkey        C2SP verifier keys of the author's log key and the recipient's custody key
    heads/SIZE.txt                C2SP notes: tree heads with the author's signature and the recipient's cosignature
    entries/FIRST.bin             deterministic CBOR: [[leaf, blinding, body], ...]
    tree.txt                      START END HASH: the hashes over leaves that are not shown
  statuses/                       statements of the desks about both logs: [signed bytes, Ed25519, ML-DSA-44]
`;

/** What is said of a fault, by its code. */
export const ENGLISH_FAULTS = {
  archive: ({ offset }) => `the archive is not in its one form, at or after byte ${offset}`,
  "certificate-dates": () => "the certificate ends before it begins",
  "certificate-line": () => "the certificate is for another line",
  "certificate-not-later": () => "this certificate is not a later one",
  "certificate-old-key": () => "the certificate of a new incarnation keeps an old key",
  "certificate-other-keys": () => "the certificate has other keys without a new incarnation",
  "certificate-party": () => "this certificate is another desk's",
  "certificate-serial": ({ serial }) => `the identity signed two different certificates of serial ${serial}`,
  commitment: () => "the body is not the one that the leaf commits to",
  ed25519: () => "an Ed25519 signature does not hold",
  encoding: ({ offset }) => `not in the one allowed encoding, at byte ${offset}`,
  "entry-order": () => "entries do not stand in order of their indexes",
  "head-cover": () => "the author signed no tree head that covers every entry shown",
  "head-order": () => "tree heads do not stand in order of their sizes",
  "key-twice": () => "one key serves two purposes",
  "leaf-place": () => "the leaf belongs to another line, direction or incarnation",
  "ml-dsa": () => "an ML-DSA signature does not hold",
  name: ({ name }) => `the ${name} holds characters that names may not hold`,
  "no-certificate": ({ inc }) => `no certificate that is shown names incarnation ${inc}`,
  "no-entry": () => "no entry is shown",
  "not-status": () => "this statement is no status",
  note: () => "not a note of the allowed form",
  "note-place": () => "the note is of another log",
  "own-receipt": () => "the author gave itself a receipt",
  "pairing-answers": () => "the pairing files are not of one pairing",
  "pairing-file": () => "a pairing file is missing or is none",
  "pairing-own": () => "both pairing files are one desk's",
  "pairing-party": () => "pairing file 3 is from another desk than file 1",
  "pairing-step": ({ step }) => `pairing file ${step} is another one's`,
  "part-changed": () => "this part is not what the signed parts give",
  "part-missing": () => "this part is missing",
  "part-strange": () => "this part belongs to nothing that is shown",
  roster: () => "the roster breaks the rules for officers",
  root: ({ size }) => `leaves and hashes do not lead to the root that was signed at size ${size}`,
  shape: ({ name }) => `${name} is not of the type or length that it must have`,
  "status-place": () => "the status belongs to another line, direction or incarnation",
  "strange-signer": () => "the note is signed by a key that is neither the author's nor the recipient's",
  terms: () => "the terms break the rules for terms",
  "tree-lacks": ({ start, end }) => `the tree lacks the hash over the leaves from ${start} to before ${end}`,
  "tree-left-over": () => "the tree has a hash that leads nowhere",
  "tree-line": () => "a line of the tree is not two numbers and a hash in base64",
};

export const ENGLISH_PAGE = {
  title: "Watchline: check evidence",
  intro: "Drop a file of evidence on this page, or choose one. It is checked in this browser alone; nothing is sent.",
  choose: "Choose a file of evidence",
  language: "Language",
  trust: "Identities that you trust (optional)",
  trustHelp: "Paste fingerprints that reached you another way, one on a line, or choose identity files.",
  trustFiles: "Choose identity files",
  trustBad: (count) => `Lines or files that could not be read: ${count}`,
  trustRead: (count) => `Identities that you trust: ${count}`,
  checking: "Checking …",
  tooLarge: "The file is larger than 1 GiB: it cannot be evidence.",
  unreadable: "The file could not be read.",
  verified: "VERIFIED",
  provisional: "VERIFIED, provisional",
  notVerified: "NOT VERIFIED",
  verifiedMeaning: "The file holds together, to the last byte. Whose it is, only the fingerprints tell.",
  provisionalMeaning:
    "The file holds together, but no desk's statuses, signed with both Ed25519 and ML-DSA-44, cover every entry shown.",
  notVerifiedMeaning: "The file was changed, or is no evidence. Believe nothing that it says.",
  missing: "Warning: an identity that you gave is not in this evidence: it is not about that desk.",
  file: "File",
  identities: "Identities",
  desk: "Desk",
  fingerprint: "Fingerprint",
  trusted: "Trusted",
  yes: "given by you",
  no: "not known to you: compare the fingerprint",
  complete: "Complete",
  completeYes: "yes",
  completeNo: "no",
  faults: "Faults",
  part: "Part",
  whole: "the file as a whole",
  rule: "Rule",
  what: "What is wrong",
  facts: "Facts",
  entries: "Entries",
  more: (count) => `Show more (${count} left)`,
};
