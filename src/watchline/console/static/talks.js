// A page of the talks: its frame holds no word of any line, so it asks for its part with the session's key, and asks again.
// Text of any desk comes as HTML that the node has escaped; nothing here makes HTML out of text.

const ASK_EVERY_MS = 30_000;
const SAID_MS = 2_000;
const key = localStorage.getItem("watchline") ?? "";
const at = (id) => document.getElementById(id);
let shown = null;

async function ask() {
  try {
    const answer = await fetch(`/parts${location.pathname}`, { headers: { "X-Watchline-Key": key } });
    if (answer.status === 401) return showDead("signed-out");
    if (!answer.headers.get("content-type")?.startsWith("text/html")) return showDead("old");
    show(await answer.text(), new Date(answer.headers.get("date") ?? Date.now()));
  } catch {
    showDead("old");
  }
}

// Replaced only where something changed, so that the focus and what somebody marked stay where they are.
function show(html, now) {
  const first = shown === null;
  if (html !== shown) {
    const focus = document.activeElement?.id;
    at("part").innerHTML = html;
    if (focus) at(focus)?.focus({ preventScroll: true });
    document.title = `${at("part").querySelector("h1").textContent} - ${document.title.split(" - ").slice(-2).join(" - ")}`;
  }
  shown = html;
  stampPaper();
  if (first) goTo();
  at("as-of").textContent = `${now.toISOString().slice(11, 19)}Z`;
  at("as-of").dateTime = now.toISOString();
  at("not-live").hidden = true;
  document.body.classList.remove("dead");
}

function showDead(why) {
  for (const one of document.querySelectorAll("[data-why]")) one.hidden = one.dataset.why !== why;
  at("not-live").hidden = false;
  document.body.classList.add("dead");
}

// What the address names after # was not there yet when the browser looked for it.
function goTo() {
  const named = at(decodeURIComponent(location.hash.slice(1)));
  named?.scrollIntoView();
  named?.focus({ preventScroll: true });
}

function stampPaper() {
  const now = new Date();
  const local = now.toLocaleString("sv-SE", { timeZone: document.body.dataset.zone || "UTC", timeZoneName: "short" });
  for (const one of document.querySelectorAll("[data-printed]")) {
    one.textContent = `${now.toISOString().slice(0, 19).replace("T", " ")}Z (${local})`;
  }
}

async function copy(button) {
  await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
  at("copied").hidden = false;
  setTimeout(() => (at("copied").hidden = true), SAID_MS);
}

const KEYS = {
  t: () => location.assign("/talks"),
  r: ask,
  p: () => window.print(),
  "?": () => at("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
  const action = plain && !event.target.closest?.("dialog") ? KEYS[event.key.toLowerCase()] : undefined;
  if (!action) return;
  event.preventDefault();
  action();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) copy(button);
  event.target.closest?.("[data-close]")?.closest("dialog").close();
});
document.addEventListener("visibilitychange", () => !document.hidden && ask());
addEventListener("beforeprint", stampPaper);
at("print").addEventListener("click", KEYS.p);
at("help-open").addEventListener("click", KEYS["?"]);
setInterval(() => !document.hidden && ask(), ASK_EVERY_MS);
await ask();
