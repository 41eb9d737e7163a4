/* Clicks passed on to the page (and view) they were made on, and the pointer over the mosaic of heads. */
(function () {
  "use strict";

  // The store of clicks of the page that is shown. A callback on the click of the shell would be asked for on every
  // page, and miss the parts that only its own page has.
  function storeOf(selection) {
    if (!selection) return null;
    if (selection.path === "/attention") return "attention-click";
    if (selection.path !== "/patching") return null;
    return /[?&]view=circuit(&|$)/.test(selection.search || "") ? "circuit-click" : "patching-click";
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    cells: {
      relay: function (click, selection) {
        const store = storeOf(selection);
        if (click && store) window.dash_clientside.set_props(store, { data: click });
      },

      // One small message when the pointer comes to another tile, none while a head is locked.
      pointed: function (hover, selection, before) {
        const keep = window.dash_clientside.no_update;
        const point = hover && hover.points && hover.points[0];
        if (!point || !before || /[?&]head=/.test((selection && selection.search) || "")) return keep;
        const tile = Math.floor(Math.round(point.y) / before.down) + "." + Math.floor(Math.round(point.x) / before.across);
        return before.tile === tile ? keep : Object.assign({}, before, { tile: tile, x: point.x, y: point.y });
      },
    },
  });
})();
