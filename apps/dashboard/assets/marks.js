/* Marks that move are drawn alone.

   Dash hands Plotly the whole figure whenever any of it changes, and Plotly then draws every trace again, some 40 ms a
   figure. A click moves only shapes (frames of cells, lines at a period or a step): where the data are the very array
   that was drawn last and the rest of the layout says the same, `relayout` of the shapes gives that picture in 2 ms. */
(function () {
  "use strict";
  const drawn = new WeakMap(); // graph -> its data, and all else but shapes as text: Plotly fills in the objects it gets

  function install() {
    const react = window.Plotly.react;
    window.Plotly.react = function (graph, figure) {
      if (arguments.length !== 2 || !figure || !figure.layout) return react.apply(this, arguments);
      const shapes = figure.layout.shapes || [];
      const rest = Object.assign({}, figure.layout, { shapes: [] });
      const now = { data: figure.data, rest: JSON.stringify([rest, figure.config, figure.frames]) };
      const before = drawn.get(graph);
      drawn.set(graph, now);
      if (graph._fullLayout && before && before.data === now.data && before.rest === now.rest) {
        return window.Plotly.relayout(graph, { shapes: shapes });
      }
      return react.apply(this, arguments);
    };
  }

  const waiting = window.setInterval(function () { // Plotly comes with the first figure
    if (!window.Plotly) return;
    window.clearInterval(waiting);
    install();
  }, 50);
})();
