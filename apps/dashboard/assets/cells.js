/* The pointer over the mosaic of heads; clicks on the Patching page, sorted by what answers them. */
(function () {
  "use strict";

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    cells: {
      // A click on a point of a pair, and one that leads to another map: nobody else's request is sent.
      sorted: function (click) {
        const keep = window.dash_clientside.no_update;
        const on = (click && click.graph) || "";
        return [
          on === "patching-detail" || on === "patching-compared" ? click : keep,
          on === "patching-components" || on === "patching-heads" ? click : keep,
        ];
      },

      // The rows of the grid of pairs, a frame after what is above it.
      listed: function (rows) {
        if (!rows) return;
        window.requestAnimationFrame(function () {
          window.setTimeout(function () { window.dash_clientside.set_props("patching-rows", { rowData: rows }); }, 0);
        });
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
