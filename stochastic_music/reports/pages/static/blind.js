/* Blind listening: shows one pair after the other, in an order of this voter's own, and keeps the votes.
 *
 * State is {voter, votes: {pair: {choice, seconds}}} in localStorage under the report's checksum; where the browser keeps
 * nothing (some do not for pages from disk), it lives as long as the page.
 */
(() => {
  "use strict";

  const main = document.querySelector("main");
  const key = `blind ${main.dataset.report}`;
  const state = load() || { voter: name(), votes: {} };
  const pairs = shuffled([...document.querySelectorAll("[data-pair]")], seedOf(state.voter));
  let at = pairs.findIndex((pair) => !state.votes[pair.dataset.pair]);
  if (at < 0) at = pairs.length;
  let since = performance.now();

  function load() {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  }

  function name() {
    return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function keep() {
    try {
      localStorage.setItem(key, JSON.stringify(state));
    } catch {
      // votes can still be saved to a file
    }
  }

  /* The voter's name is the seed of the order: who has the votes has the order. */
  function seedOf(name) {
    let hash = 2166136261; // FNV-1a
    for (const letter of name) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
    return hash >>> 0;
  }

  function shuffled(items, seed) {
    for (let i = items.length - 1; i > 0; i--) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      const j = Math.floor((seed / 2 ** 32) * (i + 1));
      [items[i], items[j]] = [items[j], items[i]];
    }
    return items;
  }

  function go(to) {
    document.dispatchEvent(new Event("silence"));
    at = Math.min(Math.max(to, 0), pairs.length);
    since = performance.now();
    show();
  }

  function choose(pair, choice) {
    const seconds = Math.round((performance.now() - since) / 100) / 10;
    state.votes[pair.dataset.pair] = { choice, seconds };
    keep();
    go(at + 1);
  }

  function show() {
    pairs.forEach((pair, i) => {
      pair.hidden = i !== at;
      const vote = state.votes[pair.dataset.pair];
      for (const button of pair.querySelectorAll(".choice button")) button.ariaPressed = String(vote?.choice === button.value);
    });
    const voted = Object.keys(state.votes).length;
    const place = at < pairs.length ? `Pair ${at + 1} of ${pairs.length}. ` : "That was the last pair. ";
    main.querySelector(".progress").textContent = `${place}${voted} ${voted === 1 ? "vote" : "votes"} so far.`;
    main.querySelector(".done").hidden = at < pairs.length;
    main.querySelector(".back").disabled = at === 0;
    for (const name of ["save", "copy"]) main.querySelector(`.${name}`).disabled = voted === 0;
  }

  function votes() {
    const order = pairs.map((pair) => pair.dataset.pair).filter((pair) => state.votes[pair]);
    const list = order.map((pair) => ({ pair, ...state.votes[pair] }));
    return JSON.stringify({ schema: 1, report: main.dataset.report, voter: state.voter, votes: list }, null, 1);
  }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([votes()], { type: "application/json" }));
    link.download = `votes-${state.voter.slice(0, 8)}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000); // some browsers read it later
  }

  /* To the clipboard; where that is refused, into a field to copy from. */
  async function copy() {
    const field = main.querySelector("textarea");
    try {
      await navigator.clipboard.writeText(votes());
      main.querySelector(".copy").textContent = "Copied";
    } catch {
      field.hidden = false;
      field.value = votes();
      field.select();
    }
  }

  for (const pair of pairs) {
    pair.querySelector(".choice").addEventListener("click", (event) => {
      if (event.target.value) choose(pair, event.target.value);
    });
  }
  main.querySelector(".save").addEventListener("click", save);
  main.querySelector(".copy").addEventListener("click", copy);
  main.querySelector(".back").addEventListener("click", () => go(at - 1));
  show();
})();
