/* A take as scripts have it: the object of `data-take` (player.py says what it holds), its notes, and figures in words. */
"use strict";

/* The object with its notes by onset, and whether surprise is told of any. */
function takeOf(root) {
  const take = JSON.parse(root.dataset.take);
  take.bars ||= [];
  take.notes = notesOf(take);
  take.told = take.notes.some((note) => note.bits !== null);
  return take;
}

/* The notes of a take by onset: {onset, end, pitch, velocity, part, place in its part, row, name, bits, signs}. */
function notesOf(take) {
  return take.parts
    .flatMap((part, i) => {
      const signs = part.signs?.split(" ").map((ids) => ids.split(",").filter(Boolean)) || [];
      return part.notes.map(([onset, duration, pitch, velocity], j) => {
        const [row, name] = part.drums?.[pitch] || [take.rows[0] - pitch, take.names?.[pitch] || `pitch ${pitch}`];
        const told = { row, name, bits: part.bits?.[j] ?? null, signs: signs[j] || [] };
        return { onset, end: onset + duration, pitch, velocity, part: i, ...told };
      });
    })
    .sort((a, b) => a.onset - b.onset || b.pitch - a.pitch);
}

/* The bar and the beat of a place, as printed; dashes where there are no bars. */
function place(take, quarters) {
  const bar = take.bars.findLast(([, start]) => start <= quarters + 1e-6);
  if (!bar) return ["–", "–"];
  const [printed, start, denominator, missing] = bar;
  return [String(printed), number(1 + ((quarters - start + missing) * denominator) / 4)];
}

/* Where bars begin; without bars there is one. */
function barsOf(take) {
  return take.bars.length ? take.bars.map(([, start]) => start) : [0];
}

/* The beats around a place, in units of the meter; quarter notes without bars. */
function beatsNear(take, at) {
  const [, start, denominator] = take.bars.findLast(([, begin]) => begin <= at + 1e-6) || [0, 0, 4];
  const beat = 4 / denominator;
  const nearest = Math.round((at - start) / beat);
  return [-1, 0, 1].map((n) => start + beat * (nearest + n));
}

function number(value) {
  return String(Math.round(value * 100) / 100);
}

function inBits(bits) {
  return bits === null ? "–" : bits < 0 ? "thought impossible" : `${bits.toFixed(2)}`;
}

/* Text of others within a sentence: it may run the other way, and turns nothing else around. */
function isolated(text) {
  return `\u2068${text}\u2069`;
}

/* Minutes and seconds. */
function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
