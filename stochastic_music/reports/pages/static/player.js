/* Players: a take as notes, the cursor on its piano roll, and a small synthesizer.
 *
 * A player is an element with `data-take`, JSON made by player.py:
 *   {"tempo": quarters a minute, "length": quarters,
 *    "parts": [{"instrument": name, "notes": [[onset, duration, pitch, velocity], ...]}, ...]}
 * Onsets and durations are in quarter notes. Notes are handed to the sound card ahead of time, so that a busy page does
 * not make them stumble; whatever changes what is heard (seeking, tempo) takes them back and hands them out anew.
 */
(() => {
  "use strict";

  const AHEAD = 1.6; // seconds; timers of pages in the background tick once a second
  const TICK = 200; // milliseconds

  // harmonics from the fundamental up; attack, half-life (0: steady) and release in seconds
  const TIMBRES = {
    piano: { harmonics: [1, 0.5, 0.28, 0.2, 0.1, 0.08, 0.05, 0.03], attack: 0.004, halfLife: 0.5, release: 0.12 },
    plucked: { harmonics: [1, 0.6, 0.4, 0.25, 0.18, 0.1, 0.06], attack: 0.003, halfLife: 0.3, release: 0.1 },
    organ: { harmonics: [1, 0.7, 0.35, 0.4, 0.08, 0.2, 0.05, 0.15], attack: 0.02, halfLife: 0, release: 0.06 },
    strings: { harmonics: [1, 0.55, 0.4, 0.28, 0.2, 0.14, 0.1, 0.07], attack: 0.06, halfLife: 0, release: 0.14 },
    wind: { harmonics: [1, 0.25, 0.4, 0.12, 0.2, 0.06], attack: 0.04, halfLife: 0, release: 0.09 },
  };

  // Sound: one context for the page, made at the first click, since browsers block sound before it.

  let context = null;
  let master = null;
  const waves = new Map();
  let playing = null;

  function wake() {
    if (!context) {
      context = new AudioContext();
      master = new DynamicsCompressorNode(context, { threshold: -12, ratio: 8 });
      master.connect(context.destination);
    }
    return context.resume();
  }

  function wave(name) {
    if (!waves.has(name)) {
      const sines = Float32Array.of(0, ...(TIMBRES[name] || TIMBRES.piano).harmonics);
      waves.set(name, context.createPeriodicWave(new Float32Array(sines.length), sines));
    }
    return waves.get(name);
  }

  function strength(velocity) {
    return 0.25 + 0.75 * (Math.max(velocity, 1) / 127) ** 1.5;
  }

  /* One note from `start` to `end` (seconds of the context) into `bus`; answers what can be stopped. */
  function sound(instrument, pitch, velocity, start, end, bus) {
    if (instrument === "drums") return stroke(pitch, velocity, start, bus);
    const timbre = TIMBRES[instrument] || TIMBRES.piano;
    const frequency = 440 * 2 ** ((pitch - 69) / 12);
    const tone = new OscillatorNode(context, { frequency, periodicWave: wave(instrument) });
    const level = 0.3 * strength(velocity) * 2 ** ((60 - Math.min(Math.max(pitch, 36), 84)) / 48);
    const envelope = new GainNode(context, { gain: 0 });
    envelope.gain.setValueAtTime(0, start);
    envelope.gain.linearRampToValueAtTime(level, start + timbre.attack);
    if (timbre.halfLife) envelope.gain.setTargetAtTime(0, start + timbre.attack, timbre.halfLife / Math.LN2);
    envelope.gain.setTargetAtTime(0, Math.max(end, start + timbre.attack), timbre.release / 3);
    tone.connect(envelope).connect(bus);
    tone.start(start);
    tone.stop(end + 2 * timbre.release);
    return tone;
  }

  /* A drum: noise, low for kicks and toms, high for cymbals. */
  function stroke(pitch, velocity, start, bus) {
    const seconds = pitch < 42 ? 0.15 : 0.3;
    const noise = new AudioBuffer({ length: seconds * context.sampleRate, sampleRate: context.sampleRate });
    const samples = noise.getChannelData(0);
    for (let i = 0; i < samples.length; i++) samples[i] = (2 * Math.random() - 1) * (1 - i / samples.length) ** 3;
    const source = new AudioBufferSourceNode(context, { buffer: noise });
    const frequency = pitch < 37 ? 90 : pitch < 42 ? 1200 : 7000;
    const filter = new BiquadFilterNode(context, { type: pitch < 37 ? "lowpass" : "bandpass", frequency });
    source.connect(filter).connect(new GainNode(context, { gain: strength(velocity) })).connect(bus);
    source.start(start);
    return source;
  }

  // Players

  class Player {
    constructor(root) {
      this.root = root;
      const take = JSON.parse(root.dataset.take);
      this.length = take.length;
      this.instruments = take.parts.map((part) => part.instrument);
      this.notes = take.parts
        .flatMap((part, i) => part.notes.map(([onset, duration, pitch, velocity]) => ({ onset, duration, pitch, velocity, part: i })))
        .sort((a, b) => a.onset - b.onset);
      this.at = 0; // quarters, while paused
      this.laps = 1;
      this.voices = new Set();
      this.find();
      this.listen();
      this.show();
    }

    find() {
      const one = (selector) => this.root.querySelector(selector);
      this.button = one("button");
      this.label = one("button span");
      this.position = one(".position");
      this.tempo = one(".tempo");
      this.loop = one(".loop");
      this.parts = [...this.root.querySelectorAll("[data-part]")];
      this.roll = one(".roll");
      this.picture = one("svg");
      this.cursor = one(".cursor");
      this.clock = one(".clock");
    }

    listen() {
      this.button.addEventListener("click", () => this.toggle());
      this.position.addEventListener("input", () => this.seek(Number(this.position.value)));
      for (const control of [this.tempo, this.loop]) control.addEventListener("input", () => this.seek(this.now()));
      this.parts.forEach((part, i) => part.addEventListener("change", () => this.balance(i)));
      this.picture.addEventListener("click", (event) => {
        const box = this.picture.getBoundingClientRect();
        this.seek(((event.clientX - box.left) / box.width) * this.length);
      });
      this.root.addEventListener("keydown", (event) => {
        if (event.key !== " " || event.target.matches("button, [type=checkbox]")) return;
        event.preventDefault();
        this.toggle();
      });
    }

    get speed() {
      return Number(this.tempo.value) / 60; // quarters a second
    }

    /* Where we are, in quarters; beyond the end while looping. */
    elapsed() {
      if (playing !== this) return this.at;
      return this.at + Math.max(0, context.currentTime - this.since) * this.pace;
    }

    now() {
      const at = this.elapsed();
      return this.laps > 1 ? at % this.length : Math.min(at, this.length);
    }

    async toggle() {
      if (playing === this) return this.pause();
      await wake();
      playing?.pause();
      playing = this;
      this.begin(this.at < this.length ? this.at : 0);
      this.show();
    }

    pause() {
      this.at = this.now();
      playing = null;
      this.silence();
      this.show();
    }

    seek(quarters) {
      this.silence();
      if (playing === this) this.begin(quarters);
      else this.at = quarters;
      this.show();
    }

    /* Play from a place: `next` counts notes over all laps. */
    begin(quarters) {
      this.at = quarters;
      this.pace = this.speed;
      this.laps = this.loop.checked ? Infinity : 1;
      this.since = context.currentTime + 0.06;
      this.next = 0;
      this.buses = this.instruments.map((_, i) => {
        const bus = new GainNode(context, { gain: this.gain(i) });
        bus.connect(master);
        return bus;
      });
      this.hand();
      this.timer = setInterval(() => this.hand(), TICK);
      requestAnimationFrame(() => this.follow());
    }

    /* Give notes that are due within AHEAD to the sound card. */
    hand() {
      const horizon = context.currentTime + AHEAD;
      for (; this.next < this.notes.length * this.laps; this.next++) {
        const note = this.notes[this.next % this.notes.length];
        const lap = Math.floor(this.next / this.notes.length) * this.length;
        const second = (quarters) => this.since + (quarters + lap - this.at) / this.pace;
        const start = Math.max(second(note.onset), this.since);
        if (start > horizon) break;
        const end = second(note.onset + note.duration);
        if (end <= this.since) continue;
        const voice = sound(this.instruments[note.part], note.pitch, note.velocity, start, end, this.buses[note.part]);
        this.voices.add(voice);
        voice.onended = () => this.voices.delete(voice);
      }
      if (this.elapsed() >= this.length * this.laps) this.end();
    }

    end() {
      playing = null;
      this.at = 0;
      clearInterval(this.timer); // what still sounds may ring out
      this.show();
    }

    silence() {
      clearInterval(this.timer);
      for (const voice of this.voices) voice.stop();
      for (const bus of this.buses || []) bus.disconnect();
      this.voices.clear();
    }

    gain(part) {
      const on = this.parts.length === 0 || this.parts[part].checked;
      return on ? 1 / Math.sqrt(this.instruments.length) : 0;
    }

    balance(part) {
      if (playing === this) this.buses[part].gain.setTargetAtTime(this.gain(part), context.currentTime, 0.01);
    }

    follow() {
      if (playing !== this) return;
      this.show();
      requestAnimationFrame(() => this.follow());
    }

    show() {
      const at = this.now();
      const on = playing === this;
      if (this.root.classList.contains("playing") !== on) {
        this.root.classList.toggle("playing", on);
        this.label.textContent = on ? "❚❚ Pause" : "▶ Play";
      }
      this.cursor.setAttribute("transform", `translate(${at} 0)`);
      this.position.value = at;
      const seconds = (quarters) => Math.round(quarters / this.speed);
      this.position.ariaValueText = `${seconds(at)} of ${seconds(this.length)} seconds`;
      this.clock.textContent = `${seconds(at)} / ${seconds(this.length)} s`;
      const x = (at / this.length) * this.picture.clientWidth;
      if (on && (x < this.roll.scrollLeft || x > this.roll.scrollLeft + 0.9 * this.roll.clientWidth)) {
        this.roll.scrollLeft = x - 0.1 * this.roll.clientWidth;
      }
    }
  }

  for (const root of document.querySelectorAll("[data-take]")) new Player(root);
  document.addEventListener("silence", () => playing?.pause()); // other scripts of a page ask for it
})();
