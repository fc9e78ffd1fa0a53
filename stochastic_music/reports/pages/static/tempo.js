/* Seconds of a place and the place of a second, by a map of tempos [[quarter, quarters a minute], ...]. */
"use strict";

class TempoMap {
  constructor(tempos) {
    this.pieces = [];
    for (const [quarter, tempo] of tempos) {
      const second = this.pieces.length ? this.seconds(quarter) : 0;
      this.pieces.push({ quarter, second, pace: tempo / 60 });
    }
  }

  at(key, value) {
    return this.pieces.findLast((piece) => piece[key] <= value) || this.pieces[0];
  }

  seconds(quarter) {
    const piece = this.at("quarter", quarter);
    return piece.second + (quarter - piece.quarter) / piece.pace;
  }

  quarters(second) {
    const piece = this.at("second", second);
    return piece.quarter + (second - piece.second) * piece.pace;
  }

  /* Quarters a minute at a place. */
  tempo(quarter) {
    return 60 * this.at("quarter", quarter).pace;
  }
}
