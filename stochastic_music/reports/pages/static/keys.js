/* What keys do where a player has the focus; listening.py tells readers the same. The space bar works from anywhere. */
"use strict";

const KEYS = {
  " ": (player) => player.toggle(),
  Home: (player) => player.transport.seek(0),
  ArrowLeft: (player, event) => player.step(event.shiftKey ? "bar" : "beat", -1),
  ArrowRight: (player, event) => player.step(event.shiftKey ? "bar" : "beat", 1),
  n: (player) => player.point(player.beside(1)),
  p: (player) => player.point(player.beside(-1)),
  l: (player) => press(player.loop),
  i: (player) => player.end("from"),
  o: (player) => player.end("to"),
  m: (player) => player.hush(),
  c: (player) => press(player.one(".surprise")),
  "-": (player) => player.hurry(-0.05),
  "+": (player) => player.hurry(0.05),
};
for (let part = 1; part <= 9; part++) KEYS[part] = (player) => press(player.parts[part - 1]);

function press(control) {
  control?.click();
}

/* What the focused control does by itself stays with it. */
function isTaken(target, key) {
  if (target.matches("[type=number], textarea, select")) return true;
  if (key === " ") return target.matches("button, [type=checkbox], summary, a");
  return target.matches(".tempo, .volume") && /^(Arrow|Home)/.test(key);
}

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.altKey || event.metaKey || isTaken(target, key)) return;
  const root = target.closest("[data-take]");
  const player = players.find((one) => one.root === root) || (key === " " && target === document.body && Player.last());
  const act = player && KEYS[key.length === 1 ? key.toLowerCase() : key];
  if (!act) return;
  event.preventDefault();
  act(player, event);
});
