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
  reports: (entry) => `, report about ${entry}`,
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
  amended: (version, one, other) =>
    `version ${version} of the terms came into force with ${one} and ${other}; what stands above both is judged by it`,
  witnessed: (witness, time) =>
    `witness ${witness} saw a signed tree head that covers it, no later than ${time} by its own clock`,
  silence: {
    what: (kind, index) => `certificate of silence, ${kind}, about entry @${index} of the same log`,
    signed: ({ peer, provisional, time }) =>
      `${peer}'s own status, signed with ${provisional ? "Ed25519 alone (provisional)" : "both signatures"} at ${time} by its own clock,`,
    open: ({ kind, signed, notice, seconds, isByTerms, allowed, clock, size }) =>
      `silence, ${kind}: ${signed} lists ${notice} as open for ${seconds} s where ` +
      `${isByTerms ? "the terms allow" : "it says that the terms allow"} ${allowed} s to ${clock} it; it speaks of its own log ` +
      `below size ${size}, where no entry closes this clock, and what came later is no part of this`,
    leftOut: ({ signed, notice, allowed, clock, peer, size, author, heldSize }) =>
      `silence, contradicted: ${signed} holds ${notice} and does not list it as open, though the terms allow ${allowed} s to ` +
      `${clock} it and neither ${peer}'s log below size ${size} nor ${author}'s log below size ${heldSize} has an entry that closes this clock`,
    otherTime: ({ signed, notice, seconds, saidAllowed, allowed, clock }) =>
      `silence, contradicted: ${signed} lists ${notice} as open for ${seconds} s and says that ${saidAllowed} s are allowed, ` +
      `where the terms allow ${allowed} s to ${clock} it`,
    watch: ({ peer, people, armed, alone }) =>
      `the same status of ${peer} says that for ${alone} s there had not been both a person signed in and an armed console, ` +
      `and that ${people} people were signed in and ${armed} consoles armed then`,
    later: ({ author, peer, stored, size }) =>
      `${author} had stored ${stored} entries of ${peer}'s log when it wrote this certificate; those from @${size} on are later ` +
      "than that status, and may close the clock",
    claims: {
      line_down: ({ peer }) => `no route to ${peer} carried anything`,
      terminal_down: ({ peer }) => `nothing more came from ${peer}'s node, though something on the way to it answered or refused`,
      dark: ({ peer, interval }) => `no status of ${peer} came after its receipt, though the terms ask for one each ${interval} s`,
    },
    claimed: ({ kind, author, notice, seconds, allowed, clock, claim }) =>
      `silence, ${kind}: ${author} alone says that nobody closed the clock of ${notice} for ${seconds} s by its own clock` +
      `${allowed === null ? "" : ` where the terms allow ${allowed} s to ${clock} it`}, and that ${claim}`,
    attempts: ({ author, count, outcome, time }) =>
      `${author} alone says that its last ${count} attempts ended with ${outcome} at ${time}`,
    noReceipt: ({ author, notice }) => `${author} alone says that no receipt for ${notice} had come`,
    last: ({ author, peer, notice, time, holds }) =>
      `the last status of ${peer} that ${author} shows was signed at ${time} by ${peer}'s own clock, and ` +
      `${holds ? "holds" : "does not hold"} ${notice}`,
    hidden: ({ author, notice }) => `the content of ${notice} is not shown: only ${author} says that it was no exercise`,
    exercise: ({ notice }) => `${notice} is marked EXERCISE`,
  },
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
  "silence-claim": () => "what is shown does not let the author claim this silence",
  "silence-closed": ({ index }) => `entry @${index} closed the clock of this silence`,
  "silence-form": () => "claim and status are not those of this kind of silence",
  "silence-kind": () => "a silence of a kind that is not known",
  "silence-no-clock": () => "the terms set no such clock for this notice",
  "silence-notice": () => "the notice of the certificate is not shown before it in the same log",
  "silence-other-kind": ({ kind }) => `what is shown is ${kind}, which the certificate does not say`,
  "silence-unproven": () => "the status in the certificate does not show this silence",
  "status-place": () => "the status belongs to another line, direction or incarnation",
  "strange-signer": () => "the note is signed by a key that is neither a desk's nor a witness's of the terms",
  terms: () => "the terms break the rules for terms",
  "tree-lacks": ({ start, end }) => `the tree lacks the hash over the leaves from ${start} to before ${end}`,
  "tree-left-over": () => "the tree has a hash that leads nowhere",
  "tree-line": () => "a line of the tree is not two numbers and a hash in base64",
  "witness-alone": () => "a witness signed a tree head that its author did not sign here",
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
  silences: "Silences",
  certificate: "Certificate",
  kind: "Kind",
  about: "About",
  saidBy: "Who says it",
  witnesses: "Witnesses",
  saidByPeer: (peer) => `${peer}, by its own signed status`,
  saidByAuthor: (author) => `only ${author}, who wrote the certificate`,
  seenBy: (witness, time) => `${witness} saw the certificate by ${time}`,
  seenByNone: "none",
  signatures: "Signatures of the status",
  bothHalves: "both",
  oneHalf: "Ed25519 alone (provisional)",
  noHalf: "none: a claim",
  silenceKinds: {
    unanswered: "unanswered",
    unmanned: "unmanned",
    contradicted: "contradicted",
    dark: "dark",
    terminal_down: "terminal down",
    line_down: "line down",
  },
};
