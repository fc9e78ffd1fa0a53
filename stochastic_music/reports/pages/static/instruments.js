/* Instruments by the families of the package's sound files, in plainer colors: a browser makes them while they sound. */
"use strict";

const harmonics = (n, amplitude) => Array.from({ length: n }, (_, i) => amplitude(i + 1));

// amplitudes from the fundamental up; attack, half-life (0: steady) and release in seconds; `bright` is where high
// harmonics of a loud note fade, in Hz; `players` are out of tune, and `vibrato` is deep, by so many cents
const TIMBRES = {
  piano: {
    waves: harmonics(20, (k) => Math.abs(Math.sin((Math.PI * k) / 8.3)) / k ** 0.9),
    attack: 0.004,
    halfLife: 0.45,
    release: 0.12,
    bright: 3200,
  },
  bell: { waves: [1, 0.08, 0, 0.25, 0, 0, 0, 0, 0, 0.08], attack: 0.002, halfLife: 0.5, release: 0.35, bright: 9000 },
  organ: {
    waves: [1, 0.7, 0.3, 0.4, 0, 0.1, 0, 0.16],
    attack: 0.02,
    halfLife: 0,
    release: 0.09,
    bright: 9000,
    players: [0, 4],
  },
  plucked: {
    waves: harmonics(16, (k) => Math.abs(Math.sin(0.23 * Math.PI * k)) / k ** 1.1),
    attack: 0.002,
    halfLife: 0.35,
    release: 0.1,
    bright: 4200,
  },
  bass: {
    waves: harmonics(10, (k) => Math.abs(Math.sin(0.17 * Math.PI * k)) / k),
    attack: 0.004,
    halfLife: 0.6,
    release: 0.08,
    bright: 1200,
  },
  strings: {
    waves: harmonics(16, (k) => 1 / k),
    attack: 0.08,
    halfLife: 0,
    release: 0.2,
    bright: 4500,
    players: [-6, 0, 5],
  },
  choir: {
    waves: harmonics(10, (k) => k ** -1.3),
    attack: 0.1,
    halfLife: 0,
    release: 0.25,
    bright: 1800,
    players: [-8, 0, 7],
  },
  brass: { waves: harmonics(16, (k) => k ** -0.4), attack: 0.03, halfLife: 0, release: 0.1, bright: 2600 },
  reed: {
    waves: harmonics(12, (k) => (k % 2 ? 1 : 0.28) / k ** 0.6),
    attack: 0.035,
    halfLife: 0,
    release: 0.09,
    bright: 3600,
    vibrato: 5,
  },
  pipe: { waves: [1, 0.32, 0.14, 0.05, 0.02], attack: 0.045, halfLife: 0, release: 0.12, bright: 6000, vibrato: 6 },
};

// tones fall from one frequency to another; noise passes a filter; times in seconds
const KICK = { tone: [120, 45], seconds: 0.3, level: 1.8 };
const TOM = { tone: [180, 90], seconds: 0.35, level: 1.4 };
const SNARE = { tone: [220, 160], noise: 1800, seconds: 0.2, level: 1.3 };
const CLICK = { noise: 2500, seconds: 0.08, level: 1.4 };
const HAT = { noise: 8000, seconds: 0.09, level: 1.1 };
const CYMBAL = { noise: 6000, seconds: 0.9, level: 1 };
const STROKES = new Map([
  ...[35, 36].map((pitch) => [pitch, KICK]),
  ...[38, 40].map((pitch) => [pitch, SNARE]),
  ...[41, 43, 45, 47, 48, 50].map((pitch) => [pitch, TOM]),
  ...[42, 44, 54, 69, 70, 82].map((pitch) => [pitch, HAT]),
  ...[46, 49, 51, 52, 53, 55, 57, 59].map((pitch) => [pitch, CYMBAL]),
]);
