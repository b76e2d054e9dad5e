// The page: puts in place what the node rendered, counts the clocks, sounds, and asks an officer to sign.
// Text of any desk comes as HTML that the node has escaped; nothing here makes HTML out of text.

import { Sound } from "/static/sound.js";

const ARM_EVERY_SECONDS = 10;
const SOUNDED_MAX = 64;
const key = localStorage.getItem("watchline") ?? "";
const sound = new Sound();
const at = (id) => document.getElementById(id);

let consoleName = null;
let clockAhead = 0; // of the node's clock before the browser's: the browser may be on another machine
let pending = []; // what has to sound
let playing = false;
let ticks = 0;
const firstSeen = new Map();
const playedAt = new Map();

const worker = new Worker("/static/live.js");
worker.onmessage = ({ data }) => {
  if (data.hello) connected(data.hello);
  if (data.heartbeat) clockAhead = data.heartbeat.now * 1_000 - Date.now();
  if (data.snapshot) show(data.snapshot);
  if (data.live) showLive();
  if (data.dead) showDead(data.dead, data.seconds);
  if (data.tick) tick();
};
worker.postMessage({ key });

// --- what the node says

function connected(hello) {
  consoleName = hello.console;
  clockAhead = hello.now * 1_000 - Date.now();
  tellArmed();
}

function show(snapshot) {
  for (const [id, html] of Object.entries(snapshot.parts)) put(at(id), html);
  pending = snapshot.sounds;
  const known = new Set(pending.map(soundKey));
  for (const map of [firstSeen, playedAt]) for (const one of map.keys()) if (!known.has(one)) map.delete(one);
  for (const one of known) if (!firstSeen.has(one)) firstSeen.set(one, performance.now());
  const waiting = pending.filter((one) => one.repeat).length;
  document.title = document.title.replace(/^(\(\d+\) )?/, waiting ? `(${waiting}) ` : "");
  count();
  ring();
}

// Replace only what changed, so that the focus and what somebody scrolled stay where they are.
function put(place, html) {
  if (place.shown === html) return;
  place.shown = html;
  const made = document.createElement("template");
  made.innerHTML = html;
  const focus = document.activeElement?.id;
  const before = new Map([...place.children].filter((child) => child.id).map((child) => [child.id, child]));
  const children = [...made.content.children].map((child) => {
    const old = before.get(child.id);
    if (old && old.source === child.outerHTML) return old;
    child.source = child.outerHTML;
    return child;
  });
  place.replaceChildren(...children);
  if (focus && document.activeElement?.id !== focus) at(focus)?.focus({ preventScroll: true });
}

function showLive() {
  at("not-live").hidden = true;
  document.body.classList.remove("dead");
  liveWord("live");
}

function showDead(why, seconds) {
  for (const one of document.querySelectorAll("[data-why]")) one.hidden = one.dataset.why !== why;
  at("dead-for").textContent = `${seconds} s`;
  at("not-live").hidden = false;
  document.body.classList.add("dead");
  liveWord("");
  consoleName = null;
}

function liveWord(word) {
  at("live").dataset.live = word;
  for (const one of document.querySelectorAll("[data-live-word]")) one.hidden = one.dataset.liveWord !== word;
}

// --- time

function tick() {
  ticks += 1;
  count();
  ring();
  if (ticks % ARM_EVERY_SECONDS === 0) tellArmed();
}

function count() {
  const now = new Date(Date.now() + clockAhead);
  at("clock-utc").textContent = now.toISOString().slice(11, 19);
  const local = at("clock-local");
  if (local) local.textContent = now.toLocaleTimeString("en-GB", { timeZone: document.body.dataset.zone });
  for (const clock of document.querySelectorAll("[data-ends]")) {
    const left = Math.round(clock.dataset.ends - now.getTime() / 1_000);
    clock.dataset.over = left < 0;
    clock.dataset.soon = left >= 0 && left < 60;
    for (const name of clock.querySelectorAll("[data-clock]")) name.hidden = (name.dataset.clock === "over") !== left < 0;
    clock.querySelector("b").textContent = duration(Math.abs(left));
  }
}

function duration(seconds) {
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  const hours = seconds >= 3_600 ? `${Math.floor(seconds / 3_600)}:` : "";
  return `${hours}${two((seconds % 3_600) / 60)}:${two(seconds % 60)}`;
}

// --- sound

const soundKey = (one) => `${one.line} ${one.id} ${one.index}`;

async function ring() {
  if (playing || !sound.armed) return;
  const now = performance.now();
  const waited = (one) => (now - firstSeen.get(soundKey(one))) / 1_000;
  const since = (one) => (playedAt.has(soundKey(one)) ? (now - playedAt.get(soundKey(one))) / 1_000 : Infinity);
  const due = pending.filter((one) => since(one) >= (one.repeat ? sound.everySeconds(one.precedence) : Infinity));
  if (!due.length) return;
  const precedence = Math.max(...due.map((one) => one.precedence));
  const meant = due.filter((one) => one.precedence === precedence);
  playing = true;
  const played = await sound.play(precedence, Math.max(...meant.map(waited)));
  playing = false;
  if (!played) return showSound();
  const heard = meant.filter((one) => !playedAt.has(soundKey(one))).slice(0, SOUNDED_MAX);
  for (const one of meant) playedAt.set(soundKey(one), performance.now());
  if (!heard.length || !consoleName) return;
  const notices = heard.map(({ line, id }) => ({ line, id }));
  const answer = await ask("/sounded", { console: consoleName, notices });
  if (!answer.ok) for (const one of heard) playedAt.delete(soundKey(one)); // sound and say it again
}

function showSound() {
  const armed = sound.armed;
  at("sound").setAttribute("aria-pressed", String(armed));
  for (const one of at("sound").querySelectorAll("[data-armed]")) one.hidden = one.dataset.armed !== String(armed);
  at("sound-off").hidden = armed;
  for (const one of document.querySelectorAll("[data-sound]")) one.hidden = (one.dataset.sound === "blocked") !== sound.wanted;
}

async function tellArmed() {
  showSound();
  if (consoleName) await ask("/armed", { console: consoleName, armed: sound.armed });
}

async function touched() {
  if (!sound.wanted || sound.armed) return;
  await sound.arm();
  await tellArmed();
  ring();
}

async function switchSound() {
  if (sound.armed) sound.wanted = false;
  else {
    sound.wanted = true;
    await sound.arm();
  }
  await tellArmed();
}

// --- signing

function openSigning(what, notice) {
  const form = at("signing-form");
  form.dataset.what = what;
  form.dataset.line = notice.dataset.line;
  form.dataset.id = notice.dataset.id;
  for (const one of form.querySelectorAll("[data-what]")) one.hidden = one.dataset.what !== what;
  for (const one of form.querySelectorAll("[data-for]")) one.hidden = !one.dataset.for.split(" ").includes(what);
  at("signing-about").replaceChildren(...["h3", ".from"].map((part) => notice.querySelector(part).cloneNode(true)));
  at("signing-error").hidden = true;
  at("signing").showModal();
  at(what === "acknowledge" ? "passphrase" : what === "hold" ? "minutes" : "reason").focus();
}

async function sign(event) {
  event.preventDefault();
  const form = at("signing-form");
  const { what, line, id } = form.dataset;
  const typed = new FormData(form);
  const question = { line, id, officer: typed.get("officer"), passphrase: typed.get("passphrase") };
  if (what !== "acknowledge") question.reason = typed.get("reason");
  if (what === "hold") question.minutes = Number(typed.get("minutes"));
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  const answer = await ask(`/${what}`, question);
  button.disabled = false;
  at("passphrase").value = "";
  if (answer.ok) {
    at("reason").value = "";
    at("signing").close();
    at("said").hidden = false;
    setTimeout(() => (at("said").hidden = true), 4_000);
  } else {
    const { message, hint } = answer.error;
    at("signing-error").textContent = `${message}. ${hint}`;
    at("signing-error").hidden = false;
    at("passphrase").focus();
  }
}

async function ask(path, question) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Watchline-Key": key },
      body: JSON.stringify(question),
    });
    const answer = await response.json();
    return { ok: response.ok, ...answer };
  } catch {
    return { ok: false, error: { message: "the node does not answer", hint: "See whether it runs." } };
  }
}

// --- keys and clicks

function chosen() {
  const focused = document.activeElement?.closest?.(".notice[data-waits=True]");
  return focused ?? document.querySelector(".notice[data-waits=True]");
}

function step(by) {
  const notices = [...document.querySelectorAll(".notice")];
  const place = notices.indexOf(document.activeElement?.closest?.(".notice"));
  const next = notices[Math.max(0, Math.min(notices.length - 1, place < 0 ? 0 : place + by))];
  next?.focus();
}

const KEYS = {
  a: () => chosen() && openSigning("acknowledge", chosen()),
  j: () => step(1),
  k: () => step(-1),
  s: switchSound,
  t: () => at("talks").click(), // a tab of its own: this one has to go on sounding
  "?": () => at("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, dialog");
  const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
  const action = typing || !plain ? undefined : KEYS[event.key.toLowerCase()];
  if (event.key.toLowerCase() !== "s" || typing) touched();
  if (!action) return;
  event.preventDefault();
  action();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-do]");
  if (button) openSigning(button.dataset.do, button.closest(".notice"));
  event.target.closest?.("[data-close]")?.closest("dialog").close();
  // Not at pointerdown: the bar that goes away would move what is being pressed from under the pointer.
  if (!event.target.closest?.("#sound, #sound-off")) touched();
});
at("signing-form").addEventListener("submit", sign);
at("signing").addEventListener("close", () => (at("passphrase").value = ""));
at("sound").addEventListener("click", switchSound);
at("sound-off").addEventListener("click", switchSound);
at("help-open").addEventListener("click", KEYS["?"]);
at("sign-out").addEventListener("click", async () => {
  await ask("/sign-out", {});
  localStorage.removeItem("watchline");
  location.replace("/sign-in");
});
count();
showSound();
