/* Engraved music that follows: signs of the notes that sound are colored, and the box scrolls with them. */
"use strict";

class Sheet {
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
    if (playing && lit.length) this.follow(lit[0].getBoundingClientRect());
  }

  mark(note) {
    for (const sign of this.marked || []) sign.classList.remove("pointed");
    this.marked = note ? Sheet.signs(note) : [];
    for (const sign of this.marked) sign.classList.add("pointed");
  }

  /* Scroll so that a sign stands in the upper third, where it has come near an edge. */
  follow(sign) {
    const box = this.box.getBoundingClientRect();
    const low = sign.bottom > box.top + 0.7 * box.height || sign.top < box.top + 20;
    const far = sign.right > box.right - 20 || sign.left < box.left + 20;
    if (low) this.box.scrollTop += sign.top - box.top - box.height / 3;
    if (far) this.box.scrollLeft += sign.left - box.left - box.width / 4;
  }
}
