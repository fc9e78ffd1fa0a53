/* Engraved music that follows: signs of the notes that sound are colored, and the box scrolls with them. */
"use strict";

class Sheet {
  static MARGIN = 40; // pixels that stay free above and before a bar

  /* `take` as player.js has it; `seek` is called with quarters, `point` with a note or null. */
  constructor(box, take, seek, point) {
    this.box = box;
    this.take = take;
    this.noteOf = new Map(take.notes.flatMap((note) => note.signs.map((sign) => [sign, note])));
    this.lit = [];
    box.addEventListener("click", (event) => seek(this.clicked(event)));
    box.addEventListener("pointerover", (event) => point(this.under(event)));
    box.addEventListener("pointerleave", () => point(null));
  }

  static signs(note) {
    return note.signs.map((sign) => document.getElementById(sign)).filter(Boolean);
  }

  under(event) {
    return this.noteOf.get(event.target.closest(".note")?.id) || null;
  }

  /* The onset of the note that was hit, or the beginning of the bar of the nearest one. */
  clicked(event) {
    const hit = this.under(event);
    if (hit) return hit.onset;
    const near = this.nearest(event.clientX, event.clientY)?.onset ?? 0;
    return this.take.bars.findLast(([, start]) => start <= near)?.[1] ?? near;
  }

  nearest(x, y) {
    let [found, least] = [null, Infinity];
    for (const [sign, note] of this.noteOf) {
      const box = document.getElementById(sign).getBoundingClientRect();
      const distance = Math.hypot(box.x + box.width / 2 - x, 3 * (box.y + box.height / 2 - y)); // systems before bars
      if (distance < least) [found, least] = [note, distance];
    }
    return found;
  }

  show(at, sounding, playing) {
    const lit = sounding.flatMap(Sheet.signs);
    if (lit.length === this.lit.length && lit.every((sign, i) => sign === this.lit[i])) return;
    for (const sign of this.lit) sign.classList.remove("sounding");
    for (const sign of lit) sign.classList.add("sounding");
    this.lit = lit;
    if (playing && lit.length)
      this.follow(sounding.reduce((latest, note) => (note.onset > latest.onset ? note : latest)));
  }

  mark(note) {
    for (const sign of this.marked || []) sign.classList.remove("pointed");
    this.marked = note ? Sheet.signs(note) : [];
    for (const sign of this.marked) sign.classList.add("pointed");
  }

  /* Scroll to the bar of a note, all parts of it, where it is out of sight. */
  follow(note) {
    const view = this.box.getBoundingClientRect();
    const { left, right, top, bottom } = this.extent(note);
    if (top < view.top || bottom > view.bottom) this.box.scrollTop += top - view.top - Sheet.MARGIN;
    if (left < view.left || right > view.right) this.box.scrollLeft += left - view.left - Sheet.MARGIN;
  }

  /* Where the notes stand that begin in the same bar; a bar is never broken. */
  extent({ onset }) {
    const { bars, notes } = this.take;
    const start = bars.findLast(([, begin]) => begin <= onset)?.[1] ?? 0;
    const end = bars.find(([, begin]) => begin > onset)?.[1] ?? Infinity;
    const signs = notes.filter((note) => note.onset >= start && note.onset < end).map((note) => Sheet.signs(note)[0]);
    const boxes = signs.filter(Boolean).map((sign) => sign.getBoundingClientRect());
    const least = (side) => Math.min(...boxes.map((box) => box[side]));
    const most = (side) => Math.max(...boxes.map((box) => box[side]));
    return { left: least("left"), right: most("right"), top: least("top"), bottom: most("bottom") };
  }
}
