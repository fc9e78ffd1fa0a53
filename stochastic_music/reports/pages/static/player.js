/* Players: an element with `data-take`, its controls, and what they do.
 *
 * A view of the music (roll.js, sheet.js) has show(at, sounding, playing), called on each picture while playing and
 * whenever something changes, with the place in quarters and the notes that sound; and mark(note), for a note that is
 * pointed at, or null.
 */
"use strict";

class Player {
  static TELLING = 120; // milliseconds between two figures while playing: each is drawn anew

  constructor(root) {
    this.root = root;
    this.state = "paused";
    this.take = takeOf(root);
    this.name = root.getAttribute("aria-label");
    this.find();
    this.transport = new Transport(this.take, () => this.changed());
    this.look();
    this.listen();
    if (!window.AudioContext) this.refuse();
  }

  /* What moves with the music. */
  look() {
    const seek = (quarters) => this.transport.seek(quarters);
    const point = (note) => this.point(note);
    this.roll = new Roll(this.one(".roll"), this.take, seek, point);
    const sheet = this.one(".sheet");
    this.views = [this.roll, ...(sheet ? [new Sheet(sheet, this.take, seek, point)] : [])];
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
    new ResizeObserver(() => this.show()).observe(this.one(".roll")); // also once it is laid out
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
    this.roll.loop(this.transport.bounds);
  }

  bounds() {
    const { bars, length } = this.take;
    if (!bars.length) return [0, length];
    const index = (field) =>
      Math.max(
        0,
        bars.findLastIndex(([number]) => number <= Number(field.value)),
      );
    const [first, last] = this.ends.map(index).sort((a, b) => a - b);
    return [bars[first][1], bars[last + 1]?.[1] ?? length];
  }

  /* The loop begins or ends with the bar where we are. */
  end(which) {
    const field = this.one(`.${which}`);
    const [bar] = place(this.take, this.transport.now);
    if (!field || bar === "–") return;
    field.value = bar;
    this.loop.checked = true;
    this.bound();
    this.say(`Looping bars ${this.one(".from").value} to ${this.one(".to").value}`);
  }

  /* Go by beats or bars, one on or one back. */
  step(unit, way) {
    const at = this.transport.now;
    const places = unit === "bar" ? barsOf(this.take) : beatsNear(this.take, at);
    const next = way > 0 ? places.find((one) => one > at + 1e-3) : places.findLast((one) => one < at - 1e-3);
    this.transport.seek(next ?? (way > 0 ? this.take.length : 0));
  }

  /* The note after or before the one that was pointed at, or after the place where we are. */
  beside(way) {
    const { notes } = this.take;
    const at = this.pointed ? notes.indexOf(this.pointed) + way : this.transport.first(this.transport.now);
    return notes[Math.min(Math.max(at, 0), notes.length - 1)] || null;
  }

  /* Tell of a note what is known. */
  point(note) {
    if (note === this.pointed) return;
    this.pointed = note;
    for (const view of this.views) view.mark(note);
    if (note) this.say(this.described(note));
  }

  described(note) {
    const { take } = this;
    const [bar, beat] = place(take, note.onset);
    const where = take.bars.length ? `, bar ${bar}, beat ${beat}` : "";
    const part = take.parts.length > 1 ? `, ${isolated(take.parts[note.part].name)}` : "";
    const bits = note.bits === null ? "" : note.bits < 0 ? ": thought impossible" : `: ${inBits(note.bits)} bits`;
    return `${note.name}${where}${part}${bits}`;
  }

  hush() {
    this.hushed = !this.hushed;
    this.transport.volume = this.hushed ? 0 : Number(this.one(".volume").value);
    this.say(this.hushed ? "Muted" : "Sound is on");
  }

  hurry(by) {
    this.tempo.value = Number(this.tempo.value) + by;
    this.transport.speed = Number(this.tempo.value);
    this.say(`${Math.round(100 * this.tempo.value)} percent of the written tempo`);
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
    const at = this.transport.place;
    const words = {
      playing: `Playing ${this.name}`,
      blocked: "The browser blocks sound until you tap: press Play once more to allow it.",
      paused: at > 0 ? `Paused${this.take.bars.length ? ` in bar ${place(this.take, at)[0]}` : ""}` : "Stopped",
    };
    this.state = state;
    this.root.classList.toggle("playing", on);
    this.button.querySelector("span").textContent = on ? "❚❚ Pause" : "▶ Play";
    if (on) Player.used = this.root;
    this.say(words[state] || "");
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
    const sounding = on || at > 0 ? this.transport.sounding(at) : []; // nothing is lit before it begins
    for (const view of this.views) view.show(at, sounding, on);
    if (on && performance.now() - this.toldAt < Player.TELLING) return;
    this.toldAt = performance.now();
    this.tell(at);
  }

  /* The place as a slider and a clock, in seconds of the tempo that is set. */
  tell(at) {
    const { map, factor } = this.transport;
    const [now, all] = [at, this.take.length].map((quarters) => clock(map.seconds(quarters) / factor));
    this.position.value = at;
    this.write(".clock", `${now} / ${all}`);
    this.write(".pace", `♩ = ${Math.round(map.tempo(at) * factor)}`);
    const where = `${this.take.bars.length ? `bar ${place(this.take, at)[0]}, ` : ""}${now} of ${all}`;
    if (this.position.ariaValueText !== where) this.position.ariaValueText = where;
  }

  /* Text that is changed only where it differs: pages are laid out anew by each change. */
  write(selector, text) {
    const field = this.one(selector);
    if (field && field.textContent !== text) field.textContent = text;
  }
}

/* The player that was used last, or the first. */
Player.last = () => players.find((one) => one.root === Player.used) || players[0];

const players = [...document.querySelectorAll("[data-take]")].map((root) => new Player(root));
document.addEventListener("silence", () => Transport.playing?.pause()); // other scripts of a page ask for it
