/* A piano roll that moves: the cursor, what sounds, what is looped, and clicks that seek. */
"use strict";

class Roll {
  /* `take` as player.js has it; `seek` is called with quarters, `point` with a note or null. */
  constructor(box, take, seek, point) {
    this.box = box;
    this.take = take;
    this.lanes = box.querySelector(".lanes");
    this.inner = box.querySelector("svg svg");
    this.cursor = this.laid("cursor");
    this.region = this.laid("region");
    this.region.hidden = true;
    this.sounding = this.path("sounding");
    this.pointed = this.path("pointed");
    this.lanes.addEventListener("click", (event) => seek(this.clicked(event)));
    this.lanes.addEventListener("pointermove", (event) => point(this.pointing(event)));
    this.lanes.addEventListener("pointerleave", () => point(null));
  }

  /* A box laid over the picture: moving it does not draw the picture anew. */
  laid(name) {
    const box = document.createElement("div");
    box.className = name;
    this.lanes.append(box);
    return box;
  }

  /* A path over the notes. */
  path(name) {
    const made = document.createElementNS(this.inner.namespaceURI, "path");
    made.setAttribute("class", name);
    return this.inner.appendChild(made);
  }

  /* The onset of the note that was hit, the bar's beginning in the ruler, or the very place. */
  clicked(event) {
    const { at, row } = this.under(event);
    if (row < 0) return this.take.bars.findLast(([, start]) => start <= at)?.[1] ?? at;
    return this.hit(at, row)?.onset ?? at;
  }

  pointing(event) {
    const { at, row } = this.under(event);
    return this.hit(at, row) || null;
  }

  mark(note) {
    this.pointed.setAttribute("d", note ? box(note) : "");
  }

  under(event) {
    const outer = this.lanes.getBoundingClientRect();
    const inner = this.inner.getBoundingClientRect();
    const [, rows] = this.take.rows;
    return {
      at: Math.max(0, ((event.clientX - outer.left) / outer.width) * this.take.length),
      row: ((event.clientY - inner.top) / inner.height) * rows,
    };
  }

  hit(at, row) {
    return this.take.notes.find((note) => note.onset <= at && at < note.end && row >= note.row && row < note.row + 1);
  }

  show(at, sounding, follow) {
    const x = (at / this.take.length) * this.lanes.clientWidth;
    this.cursor.style.transform = `translateX(${x}px)`;
    const shape = sounding.map((note) => box(note)).join("");
    if (shape !== this.shape) this.sounding.setAttribute("d", (this.shape = shape));
    const { scrollLeft, clientWidth } = this.box;
    if (follow && (x < scrollLeft || x > scrollLeft + 0.9 * clientWidth)) this.box.scrollLeft = x - 0.1 * clientWidth;
  }

  loop(bounds) {
    this.region.hidden = !bounds;
    if (!bounds) return;
    const percent = (quarter) => (100 * quarter) / this.take.length;
    this.region.style.left = `${percent(bounds[0])}%`;
    this.region.style.width = `${percent(bounds[1] - bounds[0])}%`;
  }
}

/* A note as a piece of a path; a sliver keeps repeated notes apart. */
function box(note) {
  const length = note.end - note.onset;
  const width = Math.max(length - 0.06, 0.7 * length);
  return `M${note.onset} ${note.row}h${width}v1h${-width}z`;
}
