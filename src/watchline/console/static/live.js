// A worker: listens to the node and watches over it. Browsers slow the timers of a page in a hidden tab, never those of a worker.
// Tells the page: {hello}, {snapshot}, {dead: why, since}, {live}, {tick}.

const SILENT_MS = 15_000;
const RETRY_MS = [500, 1_000, 2_000, 3_000];

let key = "";
let heardAt = performance.now();
let tries = 0;
let stream = null;
let over = null;

self.onmessage = (message) => {
  key = message.data.key;
  listen();
};

setInterval(() => {
  self.postMessage({ tick: true });
  if (over !== null) return;
  if (performance.now() - heardAt > SILENT_MS) {
    dead("old");
    stream?.abort(); // a connection that says nothing is none
  } else if (tries > 1) {
    dead("old");
  }
}, 1_000);

async function listen() {
  for (;;) {
    stream = new AbortController();
    try {
      const response = await fetch("/events", { headers: { "X-Watchline-Key": key }, signal: stream.signal });
      if (response.status === 401) {
        over = "signed-out";
        dead(over);
        return;
      }
      if (response.status === 429) dead("too-many");
      if (response.ok) await read(response.body);
    } catch {
      // the node is away: try again
    }
    await new Promise((done) => setTimeout(done, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]));
    tries += 1;
  }
}

async function read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let left = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (left + value).split("\n\n");
    left = events.pop();
    events.forEach(hear);
  }
}

function hear(event) {
  const lines = event.split("\n");
  const name = lines[0].slice("event: ".length);
  const data = JSON.parse(lines[1].slice("data: ".length));
  self.postMessage({ [name]: data });
  if (name === "hello") return; // that it listens does not say yet that it knows how things stand
  heardAt = performance.now();
  tries = 0;
  self.postMessage({ live: true });
}

function dead(why) {
  self.postMessage({ dead: why, seconds: Math.round((performance.now() - heardAt) / 1_000) });
}
