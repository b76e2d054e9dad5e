// The sound of the console: three families of tones, told apart by rhythm and pitch, louder the longer nobody answers.
// A browser gives no sound before somebody has touched the page; only a running AudioContext counts as armed.

const LOUDEST_AFTER_SECONDS = 60;
const FAMILIES = [
  { everySeconds: 60, beats: chime() }, // ROUTINE and PRIORITY: two soft notes
  { everySeconds: 30, beats: chime() },
  { everySeconds: 8, beats: [0, 0.3, 0.6].map((at) => ({ at, seconds: 0.18, hertz: 740 })) }, // IMMEDIATE: three short ones
  {
    everySeconds: 3, // FLASH: a fast siren of two notes
    beats: [0, 1, 2, 3, 4, 5, 6, 7].map((beat) => ({ at: beat * 0.2, seconds: 0.18, hertz: beat % 2 ? 770 : 960 })),
  },
];

function chime() {
  return [
    { at: 0, seconds: 0.35, hertz: 523 },
    { at: 0.4, seconds: 0.5, hertz: 659 },
  ];
}

export class Sound {
  #context = null;
  wanted = true;

  // Whether it can make noise now, as far as a page can know: the loudspeaker's own switch is out of sight.
  get armed() {
    return this.wanted && this.#context?.state === "running";
  }

  // Call it from a key or a click.
  async arm() {
    this.#context ??= new AudioContext();
    await this.#context.resume();
  }

  everySeconds(precedence) {
    return FAMILIES[precedence].everySeconds;
  }

  // Sound once; whether it really did: the context ran to the end of the last tone.
  async play(precedence, waitedSeconds) {
    if (!this.armed) return false;
    const context = this.#context;
    const loud = 0.25 + 0.75 * Math.min(1, waitedSeconds / LOUDEST_AFTER_SECONDS);
    const begin = context.currentTime + 0.05;
    const last = FAMILIES[precedence].beats.map((beat) => tone(context, begin, beat, precedence > 1 ? "square" : "sine", loud)).at(-1);
    const ended = await Promise.race([
      new Promise((done) => last.addEventListener("ended", () => done(true))),
      new Promise((done) => setTimeout(() => done(false), 5_000)),
    ]);
    return ended && this.armed && context.currentTime > begin;
  }
}

function tone(context, begin, beat, type, loud) {
  const source = new OscillatorNode(context, { type, frequency: beat.hertz });
  const volume = new GainNode(context, { gain: 0 });
  const from = begin + beat.at;
  const peak = loud * (type === "square" ? 0.4 : 0.9);
  volume.gain.setValueAtTime(0, from);
  volume.gain.linearRampToValueAtTime(peak, from + 0.02);
  volume.gain.setValueAtTime(peak, from + beat.seconds - 0.03);
  volume.gain.linearRampToValueAtTime(0, from + beat.seconds);
  source.connect(volume).connect(context.destination);
  source.start(from);
  source.stop(from + beat.seconds);
  return source;
}
