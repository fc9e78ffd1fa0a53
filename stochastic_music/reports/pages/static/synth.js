/* A small synthesizer: families of instruments as harmonics under an envelope, drums as noise and falling tones.
 *
 *   const synth = new Synth(context);            // any BaseAudioContext, so that tests can listen too
 *   const bus = synth.bus(gain, pan);            // one for each part
 *   const voice = synth.note(family, pitch, velocity, start, end, bus);   // seconds of the context
 *   voice.stop(); voice.onended = ...
 *
 * Everything is computed, nothing is random: equal notes sound equal.
 */
"use strict";

class Synth {
  static FADE = 0.04; // seconds

  constructor(context) {
    this.context = context;
    this.waves = new Map();
    this.swaying = new Map();
    const squeezed = new DynamicsCompressorNode(context, {
      threshold: -14,
      knee: 10,
      ratio: 12,
      attack: 0.003,
      release: 0.2,
    });
    const bounded = new WaveShaperNode(context, { curve: Synth.bound() });
    squeezed.connect(bounded).connect(context.destination);
    this.out = squeezed;
  }

  /* As it is up to two thirds, then bent, so that no sum of voices passes the limit. */
  static bound() {
    return Float32Array.from({ length: 1025 }, (_, i) => {
      const x = i / 512 - 1;
      return Math.abs(x) < 2 / 3 ? x : Math.sign(x) * (2 / 3 + 0.3 * Math.tanh((Math.abs(x) - 2 / 3) / 0.3));
    });
  }

  /* Where the notes of a part meet; pan from -1 (left) to 1. */
  bus(gain, pan) {
    const bus = new GainNode(this.context, { gain });
    bus.connect(new StereoPannerNode(this.context, { pan })).connect(this.out);
    return bus;
  }

  /* Out with these buses and all that sounds in them: at once, but without a click. */
  fade(buses, voices) {
    const { currentTime } = this.context;
    for (const bus of buses) bus.gain.setTargetAtTime(0, currentTime, Synth.FADE / 4);
    for (const voice of voices) voice.stop(currentTime + Synth.FADE);
  }

  note(family, pitch, velocity, start, end, bus) {
    const strength = 0.25 + 0.75 * (Math.max(velocity, 1) / 127) ** 1.5;
    return family === "drums"
      ? this.stroke(pitch, strength, start, bus)
      : this.tone(family, pitch, strength, start, end, bus);
  }

  tone(family, pitch, strength, start, end, bus) {
    const timbre = TIMBRES[family] || TIMBRES.piano;
    const { bright, players = [0], release } = timbre;
    const frequency = 440 * 2 ** ((pitch - 69) / 12);
    const cutoff = Math.max(bright * (0.35 + strength), 1.5 * frequency); // the louder, the brighter
    const softened = new BiquadFilterNode(this.context, { type: "lowpass", frequency: cutoff, Q: 0.3 });
    softened.connect(this.envelope(timbre, pitch, strength / players.length ** 0.5, start, end)).connect(bus);
    const tones = players.map(
      (detune) => new OscillatorNode(this.context, { frequency, detune, periodicWave: this.wave(timbre) }),
    );
    for (const tone of tones) {
      tone.connect(softened);
      if (timbre.vibrato) this.sway(timbre.vibrato).connect(tone.detune);
      tone.start(start);
      tone.stop(end + 2 * release);
    }
    return tones[0]; // the others end with it
  }

  envelope({ attack, halfLife, release }, pitch, strength, start, end) {
    const level = 0.3 * strength * 2 ** ((60 - Math.min(Math.max(pitch, 36), 84)) / 48); // low notes are less heard
    const node = new GainNode(this.context, { gain: 0 });
    node.gain.setValueAtTime(0, start);
    node.gain.linearRampToValueAtTime(level, start + attack);
    if (halfLife) node.gain.setTargetAtTime(0, start + attack, halfLife / Math.LN2);
    node.gain.setTargetAtTime(0, Math.max(end, start + attack), release / 3);
    return node;
  }

  /* Harmonics of equal power for all families. */
  wave(timbre) {
    if (!this.waves.has(timbre)) {
      const power = Math.hypot(...timbre.waves);
      const sines = Float32Array.of(0, ...timbre.waves.map((a) => a / power));
      const cosines = new Float32Array(sines.length);
      this.waves.set(timbre, this.context.createPeriodicWave(cosines, sines, { disableNormalization: true }));
    }
    return this.waves.get(timbre);
  }

  /* One slow wave, so many cents deep, for all notes. */
  sway(cents) {
    if (!this.swaying.has(cents)) {
      const wave = new OscillatorNode(this.context, { frequency: 5 });
      const depth = new GainNode(this.context, { gain: cents });
      wave.connect(depth);
      wave.start();
      this.swaying.set(cents, depth);
    }
    return this.swaying.get(cents);
  }

  stroke(pitch, strength, start, bus) {
    const { tone, noise, seconds, level } = STROKES.get(pitch) || CLICK;
    const envelope = new GainNode(this.context, { gain: strength * level });
    envelope.gain.setValueAtTime(strength * level, start);
    envelope.gain.exponentialRampToValueAtTime(0.001, start + seconds);
    envelope.connect(bus);
    const sources = [tone && this.falling(tone, start, seconds, envelope), noise && this.hiss(noise, envelope)].filter(
      Boolean,
    );
    for (const source of sources) {
      source.start(start);
      source.stop(start + seconds);
    }
    return sources[0]; // the other ends with it
  }

  falling([from, to], start, seconds, into) {
    const tone = new OscillatorNode(this.context, { frequency: from });
    tone.frequency.setValueAtTime(from, start);
    tone.frequency.exponentialRampToValueAtTime(to, start + seconds / 2);
    tone.connect(into);
    return tone;
  }

  hiss(frequency, into) {
    const source = new AudioBufferSourceNode(this.context, { buffer: this.noise(), loop: true });
    source.connect(new BiquadFilterNode(this.context, { type: "bandpass", frequency, Q: 0.7 })).connect(into);
    return source;
  }

  /* A second of noise, always the same. */
  noise() {
    if (this.hissing) return this.hissing;
    const { sampleRate } = this.context;
    this.hissing = new AudioBuffer({ length: sampleRate, sampleRate });
    const samples = this.hissing.getChannelData(0);
    for (let i = 0, state = 1; i < samples.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      samples[i] = state / 2 ** 31 - 1;
    }
    return this.hissing;
  }
}
