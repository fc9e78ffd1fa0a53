/* A small synthesizer: families of instruments as harmonics under an envelope, drums as noise and falling tones.
 *
 *   const synth = new Synth(context);            // any BaseAudioContext, so that it can be listened to by tests
 *   const bus = synth.bus(gain, pan);            // one for each part
 *   const voice = synth.note(family, pitch, velocity, start, end, bus);   // seconds of the context
 *   voice.stop(); voice.onended = ...
 *
 * Families are those of the package's sound files. Everything is computed, nothing is random: equal notes sound equal.
 */
"use strict";

// harmonics from the fundamental up; attack, half-life (0: steady) and release in seconds
const TIMBRES = {
  piano: { harmonics: [1, 0.5, 0.28, 0.2, 0.1, 0.08, 0.05, 0.03], attack: 0.004, halfLife: 0.5, release: 0.12 },
  bell: { harmonics: [1, 0.05, 0.25, 0.02, 0.12, 0.01, 0.06], attack: 0.002, halfLife: 0.35, release: 0.25 },
  organ: { harmonics: [1, 0.7, 0.35, 0.4, 0.08, 0.2, 0.05, 0.15], attack: 0.02, halfLife: 0, release: 0.06 },
  plucked: { harmonics: [1, 0.6, 0.4, 0.25, 0.18, 0.1, 0.06, 0.04], attack: 0.003, halfLife: 0.3, release: 0.1 },
  bass: { harmonics: [1, 0.55, 0.25, 0.12, 0.06], attack: 0.006, halfLife: 0.5, release: 0.08 },
  strings: { harmonics: [1, 0.55, 0.4, 0.28, 0.2, 0.14, 0.1, 0.07, 0.05], attack: 0.06, halfLife: 0, release: 0.14 },
  choir: { harmonics: [1, 0.65, 0.3, 0.12, 0.08, 0.03], attack: 0.07, halfLife: 0, release: 0.16 },
  brass: { harmonics: [1, 0.85, 0.65, 0.45, 0.3, 0.2, 0.12, 0.08], attack: 0.04, halfLife: 0, release: 0.08 },
  reed: { harmonics: [1, 0.25, 0.6, 0.18, 0.35, 0.12, 0.15, 0.06], attack: 0.03, halfLife: 0, release: 0.08 },
  pipe: { harmonics: [1, 0.3, 0.12, 0.05, 0.02], attack: 0.05, halfLife: 0, release: 0.1 },
};

// tones fall from one frequency to another; noise passes a filter; times in seconds
const KICK = { tone: [120, 45], seconds: 0.3, level: 1 };
const TOM = { tone: [180, 90], seconds: 0.35, level: 0.8 };
const SNARE = { tone: [220, 160], noise: 1800, seconds: 0.2, level: 0.7 };
const CLICK = { noise: 2500, seconds: 0.08, level: 0.6 };
const HAT = { noise: 8000, seconds: 0.09, level: 0.35 };
const CYMBAL = { noise: 6000, seconds: 0.9, level: 0.4 };
const STROKES = new Map([
  ...[35, 36].map((pitch) => [pitch, KICK]),
  ...[38, 40].map((pitch) => [pitch, SNARE]),
  ...[41, 43, 45, 47, 48, 50].map((pitch) => [pitch, TOM]),
  ...[42, 44, 54, 69, 70, 82].map((pitch) => [pitch, HAT]),
  ...[46, 49, 51, 52, 53, 55, 57, 59].map((pitch) => [pitch, CYMBAL]),
]);

class Synth {
  constructor(context) {
    this.context = context;
    this.waves = new Map();
    const squeezed = new DynamicsCompressorNode(context, { threshold: -14, knee: 10, ratio: 12, attack: 0.003, release: 0.2 });
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

  note(family, pitch, velocity, start, end, bus) {
    const strength = 0.25 + 0.75 * (Math.max(velocity, 1) / 127) ** 1.5;
    return family === "drums" ? this.stroke(pitch, strength, start, bus) : this.tone(family, pitch, strength, start, end, bus);
  }

  tone(family, pitch, strength, start, end, bus) {
    const timbre = TIMBRES[family] || TIMBRES.piano;
    const { attack, halfLife, release } = timbre;
    const tone = new OscillatorNode(this.context, { frequency: 440 * 2 ** ((pitch - 69) / 12), periodicWave: this.wave(timbre) });
    const level = 0.3 * strength * 2 ** ((60 - Math.min(Math.max(pitch, 36), 84)) / 48); // low notes are less heard
    const envelope = new GainNode(this.context, { gain: 0 });
    envelope.gain.setValueAtTime(0, start);
    envelope.gain.linearRampToValueAtTime(level, start + attack);
    if (halfLife) envelope.gain.setTargetAtTime(0, start + attack, halfLife / Math.LN2);
    envelope.gain.setTargetAtTime(0, Math.max(end, start + attack), release / 3);
    tone.connect(envelope).connect(bus);
    tone.start(start);
    tone.stop(end + 2 * release);
    return tone;
  }

  /* Harmonics of equal power for all families. */
  wave(timbre) {
    if (!this.waves.has(timbre)) {
      const power = Math.hypot(...timbre.harmonics);
      const sines = Float32Array.of(0, ...timbre.harmonics.map((a) => a / power));
      const cosines = new Float32Array(sines.length);
      this.waves.set(timbre, this.context.createPeriodicWave(cosines, sines, { disableNormalization: true }));
    }
    return this.waves.get(timbre);
  }

  stroke(pitch, strength, start, bus) {
    const { tone, noise, seconds, level } = STROKES.get(pitch) || CLICK;
    const envelope = new GainNode(this.context, { gain: 0.6 * strength * level });
    envelope.gain.setValueAtTime(0.6 * strength * level, start);
    envelope.gain.exponentialRampToValueAtTime(0.001, start + seconds);
    envelope.connect(bus);
    const sources = [tone && this.falling(tone, start, seconds, envelope), noise && this.hiss(noise, envelope)].filter(Boolean);
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
