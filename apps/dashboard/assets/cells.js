/* The pointer over the mosaic of heads. */
(function () {
  "use strict";

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    cells: {
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
