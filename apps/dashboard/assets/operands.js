/* Operands page: arrow keys and buttons go through the maps, one step at a time and only when the last is drawn;
   an unfolded table of the map is asked for. */
(function () {
  "use strict";
  const FIELDS = "input, textarea, select, [role='slider'], [role='listbox'], [role='dialog'], [contenteditable]";
  const PATIENCE = 1500; // milliseconds after which a step that never came is given up
  let asked = 0;
  let waiting = false;

  function step(by) {
    const thumb = document.querySelector("#operands-rank [role='slider']");
    if (!thumb || !window.dash_clientside.set_props) return;
    const now = Date.now();
    if (waiting && now - asked < PATIENCE) return;
    const value = Number(thumb.getAttribute("aria-valuenow"));
    const next = Math.max(Number(thumb.getAttribute("aria-valuemin")), Math.min(Number(thumb.getAttribute("aria-valuemax")), value + by));
    if (next === value) return;
    waiting = true;
    asked = now;
    window.dash_clientside.set_props("operands-rank", { value: next });
  }

  document.addEventListener("keydown", function (event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey || event.target.closest(FIELDS)) return;
    if (!document.getElementById("operands-rank")) return;
    event.preventDefault();
    step(by);
  });

  document.addEventListener("click", function (event) {
    const button = event.target.closest(".operands-bar [data-step]");
    if (button) step(Number(button.dataset.step));
  });

  // The table of a map is made by the server when it is unfolded.
  document.addEventListener("toggle", function (event) {
    if (!event.target.querySelector(":scope > #operands-map-table")) return;
    window.dash_clientside.set_props("operands-fold", { data: event.target.open });
  }, true);

  // The pair of an address, ["", ""] where it names none.
  function pairOf(selection) {
    const query = new URLSearchParams((selection || {}).search);
    const pair = ["a", "b"].map(function (name) { return query.has(name) ? Number(query.get(name)) : ""; });
    return pair.includes("") ? ["", ""] : pair;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    operands: {
      // The two numbers follow a click, a frame after what it selected.
      follow: async function (selection, a, b) {
        const keep = window.dash_clientside.no_update;
        const pair = pairOf(selection);
        if (!document.getElementById("operands-a") || (pair[0] === a && pair[1] === b)) return [keep, keep];
        await new Promise(function (done) {
          window.requestAnimationFrame(function () { window.setTimeout(done, 0); });
        });
        return pair;
      },

      // Two numbers that are not the pair which is shown were typed: the server is asked.
      typed: function (a, b, selection) {
        const pair = pairOf(selection);
        return pair[0] === a && pair[1] === b ? window.dash_clientside.no_update : [a, b];
      },
    },
  });

  // The sentence of the map changes with its figure: then the next step may come.
  new MutationObserver(function (changes) {
    const moved = changes.some(function (one) {
      const element = one.target.nodeType === 1 ? one.target : one.target.parentElement;
      return element && element.closest("#operands-said, #operands-map-title");
    });
    if (moved) {
      window.requestAnimationFrame(function () { waiting = false; });
    }
  }).observe(document.documentElement, { childList: true, characterData: true, subtree: true });
})();
