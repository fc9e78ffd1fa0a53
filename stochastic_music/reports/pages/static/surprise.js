/* Notes in the colors of their surprise, in roll and notation. The scale is that of the legend beside the switch. */
"use strict";

class Surprise {
  static STEPS = 40; // notes of one shade are one path

  constructor(box, player) {
    this.player = player;
    this.top = Number(box.dataset.top);
    this.colors = [...box.querySelectorAll(".ramp path")].map((path) => channels(path.getAttribute("fill")));
    this.toggle = box.querySelector(".surprise");
    this.toggle.addEventListener("change", () => this.show());
    if (this.toggle.checked) this.show();
  }

  show() {
    const on = this.toggle.checked;
    this.player.root.classList.toggle("surprising", on);
    if (on) this.paths ||= this.draw();
    for (const note of this.player.take.notes) for (const sign of Sheet.signs(note)) this.dye(sign, on ? note : null);
  }

  /* A path for each shade, laid over the parts; what was thought impossible is framed. */
  draw() {
    const { roll, take } = this.player;
    const shades = new Map();
    for (const note of take.notes) {
      const kind = `${note.bits < 0 ? "shade impossible" : "shade"}/${this.shade(note)}`;
      shades.set(kind, (shades.get(kind) || "") + box(note));
    }
    return [...shades].map(([kind, shape]) => {
      const [name, color] = kind.split("/");
      const path = roll.path(name);
      path.setAttribute("d", shape);
      path.style.fill = color;
      roll.inner.insertBefore(path, roll.sounding);
      return path;
    });
  }

  dye(sign, note) {
    sign.style.fill = note ? this.shade(note) : "";
    sign.classList.toggle("dyed", Boolean(note));
  }

  shade({ bits }) {
    if (bits === null) return "var(--line)";
    const share = bits < 0 ? 1 : Math.round(Math.min(bits / this.top, 1) * Surprise.STEPS) / Surprise.STEPS;
    const place = share * (this.colors.length - 1);
    const [from, to] = [Math.floor(place), Math.ceil(place)].map((i) => this.colors[i]);
    return `rgb(${from.map((channel, i) => Math.round(channel + (to[i] - channel) * (place % 1))).join(" ")})`;
  }
}

function channels(color) {
  return [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
}
