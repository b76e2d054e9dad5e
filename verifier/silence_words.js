// What a silence certificate shows, in sentences that each name who says it, and as JSON (docs/evidence-words.md).

import { plain, timeText } from "./plain.js";
import { CLAIMED } from "./silences.js";

const CLOCKS = ["acknowledge", "answer"];

/** @param {import("./words.js").Words} words @returns {string[]} */
export function silenceSentences(words, found) {
  const { shown, judgement, notice } = found;
  const { say, names } = words;
  const about = { author: names[shown.name.author], peer: names[shown.name.recipient], notice: words.place(notice) };
  const sentences = CLAIMED.includes(judgement.kind) ? claimed(say, found, about) : proven(say, found, about);
  if (notice.notice === null) sentences.push(say.silence.hidden(about));
  else if (notice.notice.exercise) sentences.push(say.silence.exercise(about));
  return sentences;
}

function proven(say, { shown, judgement, notice }, about) {
  const { status, silence, leaf } = shown;
  const [people, armed, alone] = status.watch;
  const clock = CLOCKS[silence.clock], time = timeText(status.time, say);
  const told = { ...about, ...judgement, clock, size: status.size, heldSize: status.heldSize };
  told.signed = say.silence.signed({ ...about, provisional: judgement.provisional, time });
  told.isByTerms = notice.notice !== null;
  let sentence = say.silence.open;
  if (judgement.kind === "contradicted") sentence = judgement.saidAllowed === null ? say.silence.leftOut : say.silence.otherTime;
  const sentences = [sentence(told)];
  if (judgement.kind === "unmanned") sentences.push(say.silence.watch({ ...about, people, armed, alone }));
  if (leaf.peerSize > status.size) sentences.push(say.silence.later({ ...about, stored: leaf.peerSize, size: status.size }));
  return sentences;
}

function claimed(say, { shown, judgement, notice }, about) {
  const { silence: { attempts, claim, clock, index }, status } = shown;
  const told = { ...about, ...judgement, clock: CLOCKS[clock], interval: notice.terms.statusSeconds };
  const sentences = [say.silence.claimed({ ...told, claim: say.silence.claims[judgement.kind](told) })];
  if (attempts.length > 0) {
    const [, time, outcome] = attempts.at(-1);
    const last = { count: attempts.length, outcome: plain(outcome), time: timeText(time, say) };
    sentences.push(say.silence.attempts({ ...about, ...last }));
  }
  if (claim.received === null) sentences.push(say.silence.noReceipt(about));
  if (status !== null) {
    sentences.push(say.silence.last({ ...about, time: timeText(status.time, say), holds: status.heldSize > index }));
  }
  return sentences;
}

/** The same as JSON values, members in their order. */
export function silenceJson({ say, names }, { shown, judgement, notice }) {
  const { status, silence, name, leaf } = shown;
  return {
    kind: judgement.kind,
    clock: CLOCKS[silence.clock],
    log: name.text,
    index: leaf.index,
    author: names[name.author],
    peer: names[name.recipient],
    notice: { log: notice.name.text, index: notice.leaf.index, number: notice.number },
    exercise: notice.notice === null ? null : notice.notice.exercise,
    seconds: judgement.seconds,
    allowed: judgement.allowed,
    stated_allowed: judgement.saidAllowed,
    said_by: judgement.saidBy,
    provisional: judgement.provisional,
    time: status === null ? null : timeText(status.time, say),
    size: status?.size ?? null,
    held_size: status?.heldSize ?? null,
    watch: status?.watch ?? null,
  };
}
