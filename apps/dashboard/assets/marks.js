/* What is drawn at once after a click, and what a frame later.

   Dash hands Plotly the whole figure whenever any of it changes, and Plotly then draws every trace again, some 40 ms a
   figure. A click often moves only shapes (frames of cells, lines at a period or a step): where the data are the very
   array that was drawn last and the rest of the layout says the same, `relayout` of the shapes gives that picture in
   2 ms. Figures in an element of class `later` are beside the one that is read: they follow it by a frame. */
(function () {
  "use strict";
  const drawn = new WeakMap(); // graph -> its data, and all else but shapes as text: Plotly fills in the objects it gets
  const awaited = new WeakMap(); // graph -> the newest figure that waits for its frame

  function afterFrame(graph, draw) {
    awaited.set(graph, draw);
    return new Promise(function (done) {
      window.requestAnimationFrame(function () {
        window.setTimeout(function () {
          done(awaited.get(graph) === draw && graph.isConnected ? draw() : graph); // a newer one is on its way
        }, 0);
      });
    });
  }

  function install() {
    const react = window.Plotly.react;
    window.Plotly.react = function (graph, figure) {
      const given = arguments;
      const draw = function () { return react.apply(window.Plotly, given); };
      if (given.length !== 2 || !figure || !figure.layout || !graph._fullLayout) return draw();
      const rest = Object.assign({}, figure.layout, { shapes: [] });
      const now = { data: figure.data, rest: JSON.stringify([rest, figure.config, figure.frames]) };
      const before = drawn.get(graph);
      drawn.set(graph, now);
      if (graph.closest(".later")) return afterFrame(graph, draw);
      if (before && before.data === now.data && before.rest === now.rest) {
        return window.Plotly.relayout(graph, { shapes: figure.layout.shapes || [] });
      }
      return draw();
    };
  }

  const waiting = window.setInterval(function () { // Plotly comes with the first figure
    if (!window.Plotly) return;
    window.clearInterval(waiting);
    install();
  }, 50);
})();
