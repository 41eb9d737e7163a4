/* What app_latency.py asks of a page: is it drawn, where are the places of a figure, how long did words take to follow? */
window.latency = {
  waited: null,

  drawn: function () {
    const graphs = [...document.querySelectorAll(".dash-graph")];
    if (!document.querySelector("h1") || document.querySelector(".loading")) return false;
    return graphs.length === 0 || graphs.some((graph) => graph.querySelector(".main-svg"));
  },

  allDrawn: function () {
    const graphs = [...document.querySelectorAll(".dash-graph")];
    return this.drawn() && graphs.every((graph) => graph.querySelector(".main-svg"));
  },

  // The middle of every cell of the first map in a graph, or of every point: [x, y] on the screen.
  places: function (name) {
    const holder = [...document.querySelectorAll(".dash-graph")].find((each) => each.id.includes('"' + name + '"'));
    holder.scrollIntoView({ block: "center" });
    const plot = holder.querySelector(".js-plotly-plot");
    const box = plot.getBoundingClientRect();
    const found = [];
    const add = function (trace, x, y) {
      const across = plot._fullLayout["xaxis" + trace.xaxis.slice(1)];
      const up = plot._fullLayout["yaxis" + trace.yaxis.slice(1)];
      const left = across.c2p(x);
      const top = up.c2p(y);
      if (left < 0 || top < 0 || left > across._length || top > up._length) return;
      found.push([box.left + across._offset + left, box.top + up._offset + top]);
    };
    const traces = plot.calcdata.map((of, i) => [of, plot._fullData[i]]);
    const map = traces.find(([, trace]) => trace.type === "heatmap");
    if (map) {
      const [[cells], trace] = map;
      cells.z.forEach((row, j) => row.forEach(function (value, i) {
        if (!Number.isFinite(value)) return;
        add(trace, (cells.x[i] + cells.x[i + 1]) / 2, (cells.y[j] + cells.y[j + 1]) / 2);
      }));
      return found;
    }
    for (const [of, trace] of traces) {
      if (trace.type === "scatter" && (trace.mode || "").includes("markers")) of.forEach((each) => add(trace, each.x, each.y));
    }
    return found;
  },

  // Fills `waited` with the milliseconds from the next release of the button to new words at `selector` and a frame.
  watch: function (selector) {
    const before = document.querySelector(selector).innerText;
    let began = null;
    latency.waited = null;
    if (latency.observer) latency.observer.disconnect();
    for (const kind of ["pointerup", "keydown"]) {
      window.addEventListener(kind, () => { began = performance.now(); }, { once: true, capture: true });
    }
    const observer = new MutationObserver(function () {
      if (began === null || document.querySelector(selector).innerText === before) return;
      observer.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(() => { latency.waited = performance.now() - began; }));
    });
    latency.observer = observer;
    observer.observe(document.body, { subtree: true, childList: true, characterData: true });
  },
};
