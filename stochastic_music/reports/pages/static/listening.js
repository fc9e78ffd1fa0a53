/* What a listening page does beside playing: colors by surprise, tables of notes, commands to copy. */
"use strict";

/* To the clipboard; where that is refused the line is selected, to be copied by hand. */
async function copied(button, line) {
  try {
    await navigator.clipboard.writeText(line.textContent);
    button.firstChild.data = "Copied";
  } catch {
    getSelection().selectAllChildren(line);
    button.firstChild.data = "Selected: copy it with Ctrl+C or ⌘C";
  }
}

for (const command of document.querySelectorAll(".command")) {
  const button = command.querySelector("button");
  button.addEventListener("click", () => copied(button, command.querySelector("code")));
}

for (const player of players) {
  const [colors, details] = [player.one(".surprises"), player.one(".notes")];
  if (colors) new Surprise(colors, player);
  if (details) new NoteTable(details, player);
}
