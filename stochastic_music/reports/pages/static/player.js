/* Players: an element with `data-take` (player.py says what it holds), its controls, and what they do.
 *
 * Pages that show more of a take add to `player.views` what has a method show(at, sounding, playing); it is called
 * with the place in quarters and the notes that sound, on each picture while playing and whenever something changes.
 */
"use strict";

/* The notes of a take by onset: {onset, end, pitch, velocity, part, place in its part, row, name, bits}. */
function notesOf(take) {
  const [high] = take.rows;
  const note = (part, i) => ([onset, duration, pitch, velocity], place) => ({
    ...{ onset, end: onset + duration, pitch, velocity, part: i, place },
    row: part.drums?.[pitch] ?? high - pitch,
    bits: part.bits?.[place] ?? null,
  });
  return take.parts.flatMap((part, i) => part.notes.map(note(part, i))).sort((a, b) => a.onset - b.onset);
}

class Player {
  constructor(root) {
    this.root = root;
    this.take = JSON.parse(root.dataset.take);
    this.take.bars ||= [];
    this.take.notes = notesOf(this.take);
    this.name = root.getAttribute("aria-label");
    this.find();
    this.transport = new Transport(this.take, () => this.changed());
    this.views = [new Roll(this.one(".roll"), this.take, (place) => this.transport.seek(place))];
    this.listen();
    this.changed();
    if (!window.AudioContext) this.refuse();
  }

  one(selector) {
    return this.root.querySelector(selector);
  }

  find() {
    this.button = this.one(".play");
    this.position = this.one(".position");
    this.tempo = this.one(".tempo");
    this.loop = this.one(".loop");
    this.ends = [this.one(".from"), this.one(".to")];
    this.parts = [...this.root.querySelectorAll("[data-part]")];
    this.solos = [...this.root.querySelectorAll(".solo")];
  }

  listen() {
    const on = (control, event, act) => control?.addEventListener(event, act);
    const { transport } = this;
    on(this.button, "click", () => this.toggle());
    on(this.one(".stop"), "click", () => transport.stop());
    on(this.position, "input", () => transport.seek(Number(this.position.value)));
    on(this.tempo, "input", () => (transport.speed = Number(this.tempo.value)));
    on(this.one(".volume"), "input", (event) => (transport.volume = Number(event.target.value)));
    for (const control of [this.loop, ...this.ends]) on(control, "change", () => this.bound());
    for (const part of this.parts) on(part, "change", () => this.mix());
    for (const solo of this.solos) on(solo, "click", () => this.alone(solo));
    new ResizeObserver(() => this.show()).observe(this.one(".roll"));
  }

  refuse() {
    this.button.disabled = true;
    this.say("This browser has no Web Audio, so nothing can sound here. The notes can be read and downloaded.");
  }

  toggle() {
    if (this.transport.state === "playing") this.transport.pause();
    else this.transport.play();
  }

  /* Loop all of it, or from bar to bar. */
  bound() {
    this.transport.loop = this.loop.checked ? this.bounds() : null;
    this.views[0].loop(this.transport.bounds);
  }

  bounds() {
    const { bars, length } = this.take;
    if (!bars.length) return [0, length];
    const index = (field) => Math.max(0, bars.findLastIndex(([number]) => number <= Number(field.value)));
    const [first, last] = this.ends.map(index).sort((a, b) => a - b);
    return [bars[first][1], bars[last + 1]?.[1] ?? length];
  }

  alone(solo) {
    solo.ariaPressed = String(solo.ariaPressed !== "true");
    this.mix();
  }

  mix() {
    const solos = this.solos.map((solo) => solo.ariaPressed === "true");
    const some = solos.some(Boolean);
    if (this.parts.length) this.transport.gains = this.parts.map((part, i) => Number(some ? solos[i] : part.checked));
  }

  changed() {
    const { state } = this.transport;
    if (state !== this.state) this.turned(state);
    this.show();
  }

  turned(state) {
    const on = state === "playing";
    this.state = state;
    this.root.classList.toggle("playing", on);
    this.button.querySelector("span").textContent = on ? "❚❚ Pause" : "▶ Play";
    if (on) this.say(`Playing ${this.name}`);
    else if (state === "blocked") this.say("The browser holds the sound back: tap or press Play to allow it.");
    else if (state === "paused") this.say("");
    if (on) requestAnimationFrame(() => this.follow());
  }

  say(words) {
    this.one(".said").textContent = words;
  }

  follow() {
    if (this.transport.state !== "playing") return;
    this.show();
    requestAnimationFrame(() => this.follow());
  }

  show() {
    const at = this.transport.now;
    const on = this.transport.state === "playing";
    const sounding = this.transport.sounding(at);
    for (const view of this.views) view.show(at, sounding, on);
    this.tell(at);
  }

  /* The place as a slider and a clock, in seconds of the tempo that is set. */
  tell(at) {
    const { map, factor } = this.transport;
    const [now, all] = [at, this.take.length].map((place) => clock(map.seconds(place) / factor));
    this.position.value = at;
    this.write(".clock", `${now} / ${all}`);
    this.write(".pace", `♩ = ${Math.round(map.tempo(at) * factor)}`);
    const bar = this.take.bars.findLast(([, start]) => start <= at + 1e-6);
    const place = bar ? `bar ${bar[0]}, ` : "";
    if (this.position.ariaValueText !== (this.place = `${place}${now} of ${all}`)) this.position.ariaValueText = this.place;
  }

  /* Text that is changed only where it differs: pages are laid out anew by each change. */
  write(selector, text) {
    const field = this.one(selector);
    if (field && field.textContent !== text) field.textContent = text;
  }
}

function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

const players = [...document.querySelectorAll("[data-take]")].map((root) => new Player(root));
document.addEventListener("silence", () => Transport.playing?.pause()); // other scripts of a page ask for it
