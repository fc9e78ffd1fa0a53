/* All notes of a take as a table, for those who read them: made when it is opened, some hundred rows at a time. */
"use strict";

class NoteTable {
  static ROWS = 400;

  constructor(details, player) {
    this.details = details;
    this.player = player;
    details.addEventListener("toggle", () => details.open && !this.body && this.make());
  }

  make() {
    const { take, name } = this.player;
    const scroll = add(this.details, "div", {
      class: "scroll",
      tabindex: "0",
      role: "group",
      "aria-label": `Notes of ${name}`,
    });
    const table = add(scroll, "table", {});
    add(table, "caption", {}, `${take.notes.length} notes of ${name}, in the order of time`);
    const head = add(add(table, "thead", {}), "tr", {});
    for (const column of this.columns()) add(head, "th", { scope: "col" }, column);
    this.body = add(table, "tbody", {});
    this.shown = 0;
    this.more = add(this.details, "button", { type: "button" });
    this.more.addEventListener("click", () => this.fill());
    this.fill();
  }

  columns() {
    const { take } = this.player;
    return [
      "Bar",
      "Beat",
      ...(take.parts.length > 1 ? ["Part"] : []),
      "Note",
      "Quarters",
      ...(take.told ? ["Bits"] : []),
    ];
  }

  fill() {
    const { notes } = this.player.take;
    for (const note of notes.slice(this.shown, (this.shown += NoteTable.ROWS))) this.row(note);
    const left = notes.length - this.shown;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show ${Math.min(left, NoteTable.ROWS)} more of ${left}`;
  }

  row(note) {
    const { take } = this.player;
    const [bar, beat] = place(take, note.onset);
    const row = add(this.body, "tr", {});
    for (const text of [bar, beat, ...(take.parts.length > 1 ? [take.parts[note.part].name] : []), note.name])
      add(row, "td", {}, text);
    add(row, "td", {}, number(note.end - note.onset));
    if (take.told) add(row, "td", {}, inBits(note.bits));
  }
}

function add(parent, tag, attributes, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return parent.appendChild(made);
}
