/* The clock of a player: where we are, what is due, and the sound of it. It knows nothing of the page.
 *
 *   const transport = new Transport(take, changed);      // `changed` is called when anything but the place changes
 *   transport.play(), .pause(), .seek(quarters), .now    // places are in quarter notes
 *   transport.speed = 1.2; transport.loop = [from, to] or null; transport.volume = 0.5; transport.gains = [1, 0, ...]
 *
 * Notes are handed to the sound card ahead of time, so that a busy page does not make them stumble; whatever changes
 * what is heard (seeking, tempo, loop) takes them back and hands them out anew. One transport plays at a time.
 */
"use strict";

class Transport {
  static AHEAD = 1.6; // seconds; timers of pages in the background tick once a second
  static TICK = 200; // milliseconds
  static PATIENCE = 500; // milliseconds until a browser counts as one that waits for another click
  static playing = null;
  static context = null; // one for the page, made at the first click, since browsers block sound before it
  static synth = null;

  static wake() {
    Transport.context ||= new AudioContext();
    Transport.synth ||= new Synth(Transport.context);
    return Transport.context.resume();
  }

  constructor(take, changed) {
    this.map = new TempoMap(take.tempos);
    this.length = take.length;
    this.families = take.parts.map((part) => part.instrument);
    this.notes = take.notes;
    this.longest = this.notes.reduce((most, note) => Math.max(most, note.end - note.onset), 0);
    this.changed = changed;
    this.state = "paused"; // or waiting, blocked, playing
    this.place = 0; // quarters, where it was paused, or begun
    this.factor = 1;
    this.bounds = null;
    this.level = 0.8;
    this.mix = this.families.map(() => 1);
    this.voices = new Set();
  }

  /* Where we are, in quarters. */
  get now() {
    if (this.state !== "playing") return this.place;
    const passed = Math.max(0, Transport.context.currentTime - (Transport.context.outputLatency || 0) - this.since);
    return this.after(passed * this.factor);
  }

  /* The place that many seconds of the written tempo after the beginning, loops unrolled. */
  after(seconds) {
    const second = this.map.seconds(this.place) + seconds;
    if (!this.bounds) return Math.min(this.map.quarters(second), this.length);
    const [from, to] = this.bounds.map((quarter) => this.map.seconds(quarter));
    return this.map.quarters(second < to ? second : from + ((second - from) % (to - from)));
  }

  /* What sounds at a place. */
  sounding(at) {
    const found = [];
    for (let i = this.first(at - this.longest); i < this.notes.length && this.notes[i].onset <= at; i++) {
      if (this.notes[i].end > at) found.push(this.notes[i]);
    }
    return found;
  }

  /* The first note that begins at a place or after it. */
  first(at) {
    let low = 0;
    for (let high = this.notes.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.notes[middle].onset < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  set speed(factor) {
    this.again(() => (this.factor = factor));
  }

  set loop(bounds) {
    this.again(() => (this.bounds = bounds));
  }

  set volume(level) {
    this.level = level;
    this.balance();
  }

  set gains(mix) {
    this.mix = mix;
    this.balance();
  }

  seek(quarters) {
    this.again(() => (this.place = Math.min(Math.max(quarters, 0), this.length)));
  }

  /* Change what is heard, from where we are. */
  again(change) {
    const { now } = this;
    this.silence();
    this.place = now;
    change();
    if (this.state === "playing") this.begin();
    this.changed();
  }

  play() {
    if (Transport.playing !== this) Transport.playing?.pause();
    Transport.playing = this;
    this.turn("waiting");
    Transport.wake().then(() => ["waiting", "blocked"].includes(this.state) && this.begin());
    setTimeout(() => this.state === "waiting" && this.turn("blocked"), Transport.PATIENCE);
  }

  pause(place = this.now) {
    this.place = place;
    this.silence();
    if (Transport.playing === this) Transport.playing = null;
    this.turn("paused");
  }

  stop() {
    this.pause(this.bounds ? this.bounds[0] : 0);
  }

  turn(state) {
    this.state = state;
    this.changed();
  }

  begin() {
    const [from, to] = this.bounds || [0, this.length];
    if (this.place >= to || (this.bounds && this.place < from)) this.place = from;
    this.since = Transport.context.currentTime + 0.03;
    this.buses = this.families.map((_, i) => Transport.synth.bus(this.gain(i), this.pan(i)));
    this.due = this.unrolled();
    this.next = this.due.next();
    clearInterval(this.timer);
    this.timer = setInterval(() => this.hand(), Transport.TICK);
    this.hand();
    this.turn("playing");
  }

  /* Notes from here to the end, or for ever in a loop; times in seconds of the written tempo after the beginning. */
  *unrolled() {
    let passed = 0;
    for (let from = this.place; ; from = this.bounds[0]) {
      const to = this.bounds ? this.bounds[1] : this.length;
      const zero = this.map.seconds(from);
      for (let i = this.first(from - this.longest); i < this.notes.length && this.notes[i].onset < to; i++) {
        const note = this.notes[i];
        if (note.end <= from && note.onset < from) continue;
        const [start, end] = [Math.max(note.onset, from), Math.min(note.end, to)].map(
          (place) => passed + this.map.seconds(place) - zero,
        );
        yield { note, start, end };
      }
      passed += this.map.seconds(to) - zero;
      yield { start: passed }; // so that loops without notes have an end too
      if (!this.bounds) return;
    }
  }

  /* Give notes that are due within AHEAD to the sound card. */
  hand() {
    const horizon = Transport.context.currentTime + Transport.AHEAD;
    const when = (seconds) => this.since + seconds / this.factor;
    for (; !this.next.done && when(this.next.value.start) <= horizon; this.next = this.due.next()) {
      const { note, start, end } = this.next.value;
      if (!note) continue;
      const voice = Transport.synth.note(
        this.families[note.part],
        note.pitch,
        note.velocity,
        when(start),
        when(end),
        this.buses[note.part],
      );
      this.voices.add(voice);
      voice.onended = () => this.voices.delete(voice);
    }
    if (!this.bounds && this.now >= this.length) this.end();
  }

  /* What still sounds may ring out. */
  end() {
    clearInterval(this.timer);
    Transport.playing = null;
    this.place = 0;
    this.turn("paused");
  }

  silence() {
    clearInterval(this.timer);
    if (this.buses) Transport.synth.fade(this.buses, this.voices);
    this.voices.clear();
    this.buses = null;
  }

  gain(part) {
    return (this.level * this.mix[part]) / Math.sqrt(this.families.length);
  }

  pan(part) {
    const n = this.families.length;
    return n < 2 ? 0 : 0.5 * ((2 * part) / (n - 1) - 1);
  }

  balance() {
    if (this.state !== "playing") return;
    this.buses.forEach((bus, i) => bus.gain.setTargetAtTime(this.gain(i), Transport.context.currentTime, 0.01));
  }
}
