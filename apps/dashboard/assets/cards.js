/* What the browser does with figures: clicks for linked views, full screen, and pictures as files. */
(function () {
  "use strict";
  let shift = false;
  let count = 0;

  document.addEventListener("pointerdown", function (event) { shift = event.shiftKey; }, true);

  // Esc lets go of what was selected or pinned, unless it closes something or leaves a field first.
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape" || document.fullscreenElement || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, [role='dialog'], [role='listbox']")) return;
    const open = document.querySelectorAll(".mantine-Drawer-content, .mantine-Modal-content, [role='listbox']");
    if (Array.from(open).some(function (one) { return one.getClientRects().length > 0; })) return; // closed ones stay
    tell({ unlock: true });
  });

  function figureOf(card) {
    const graph = card.querySelector(".js-plotly-plot");
    const title = card.querySelector("h3").textContent;
    const under = card.querySelector(".subtitle");
    const heading = { text: title, subtitle: { text: under ? under.textContent : "" }, x: 0.02 };
    const margin = Object.assign({}, graph.layout.margin, { t: ((graph.layout.margin || {}).t || 20) + 60 });
    const layout = Object.assign({}, graph.layout, { title: heading, margin: margin });
    delete layout.width;
    delete layout.height;
    return { data: graph.data, layout: layout, size: graph.getBoundingClientRect(), title: title };
  }

  // A file from a data URL; fetch may not read these under the policy of the page.
  function file(url) {
    const comma = url.indexOf(",");
    const head = url.slice(5, comma);
    const body = url.slice(comma + 1);
    const text = head.endsWith(";base64") ? window.atob(body) : unescape(encodeURIComponent(decodeURIComponent(body)));
    return new Blob([Uint8Array.from(text, function (c) { return c.charCodeAt(0); })], { type: head.split(";")[0] });
  }

  async function picture(card, format) {
    const figure = figureOf(card);
    const size = { format: format, width: Math.max(640, figure.size.width), height: figure.size.height + 70, scale: 2 };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file(await window.Plotly.toImage({ data: figure.data, layout: figure.layout }, size)));
    link.download = figure.title.replace(/[^A-Za-z0-9]+/g, "-").toLowerCase().slice(0, 60) + "." + format;
    link.click();
    window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  }

  function fullScreen(card) {
    if (document.fullscreenElement) document.exitFullscreen();
    else card.requestFullscreen();
  }

  document.addEventListener("fullscreenchange", function () {
    window.setTimeout(function () { window.dispatchEvent(new Event("resize")); }, 60);
  });

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-act]");
    const card = button && button.closest(".card");
    if (!card) return;
    if (button.dataset.act === "full") fullScreen(card);
    else picture(card, button.dataset.act);
  });

  // The store of clicks of the page (and view) that is shown, where it has one, is told at once: a store of the shell
  // between them would cost a frame, and a callback on it would be asked for on every page.
  const STORES = {
    "/af1": "af1-click", "/probing": "probing-click", "/attention": "attention-click", "/patching": "patching-click",
    "/operands": "operands-click", "/fourier": "fourier-click", "/training": "training-click",
  };
  function tell(click) {
    const path = window.location.pathname.replace(/(.)\/$/, "$1");
    const circuit = path === "/patching" && /[?&]view=circuit(&|$)/.test(window.location.search);
    const store = circuit ? "circuit-click" : STORES[path];
    if (!store || !window.dash_clientside.set_props) return;
    window.dash_clientside.set_props(store, { data: Object.assign({}, click, { n: ++count }) });
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    cards: {
      // Any click in any graph, as one small message: which graph, where, and whether shift was held.
      clicked: function (clicks) {
        const asked = window.dash_clientside.callback_context.triggered[0];
        const point = asked && asked.value && asked.value.points && asked.value.points[0];
        if (!point) return;
        tell({
          graph: JSON.parse(asked.prop_id.slice(0, asked.prop_id.lastIndexOf("."))).name,
          x: point.x, y: point.y, z: point.z, curve: point.curveNumber, index: point.pointNumber,
          custom: point.customdata, shift: shift,
        });
      },
    },
  });
})();
