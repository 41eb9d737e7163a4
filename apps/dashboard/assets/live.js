/* Figures that follow a slider without a server: the values of every window came with the page (components/live_window.py). */
(function () {
  "use strict";
  const CURVES = { wait_curve: "wait", transfer_curve: "transfer", peek_curve: "transfer" };

  function parts(key) {
    return key.split("-").map(Number);
  }

  // The nearest window of the grid that keeps what the reader moved: the other number gives way.
  function nearest(data, wait, transfer, moved) {
    const keys = Object.keys(data.said).filter(function (key) {
      const cell = parts(key);
      return moved === "transfer" ? cell[1] === transfer : cell[0] === wait;
    });
    const off = function (key) {
      const cell = parts(key);
      return Math.abs(cell[0] - wait) + Math.abs(cell[1] - transfer);
    };
    return keys.sort(function (one, other) { return off(one) - off(other); })[0];
  }

  // The window that a click in a graph means; null where it means none.
  function clicked(click, data, now) {
    if (click.graph === "grid") {
      const key = data.axes.wait[click.y] + "-" + data.axes.transfer[click.x];
      return key in data.said ? key : null;
    }
    const of = CURVES[click.graph];
    if (!of || !Number.isInteger(click.x)) return null;
    const cell = parts(now);
    return nearest(data, of === "wait" ? click.x : cell[0], of === "transfer" ? click.x : cell[1], of) || null;
  }

  function pinned(pins, key) {
    const kept = pins.filter(function (pin) { return pin !== key; });
    return (pins.includes(key) ? kept : kept.concat(key)).slice(-4);
  }

  function patch(moves, key) {
    const made = new window.dash_clientside.Patch();
    const cell = key.split("-");
    const names = { wait: cell[0], transfer: cell[1], window: key };
    Object.keys(names).forEach(function (group) {
      ((moves[group] || {})[names[group]] || []).forEach(function (move) { made.assign(move[0], move[1]); });
    });
    return made.build();
  }

  function row(name, texts) {
    const cell = function (type, props) { return { namespace: "dash_html_components", type: type, props: props }; };
    const cells = texts.map(function (text) { return cell("Td", { children: text }); });
    return cell("Tr", { children: [cell("Th", { children: name, scope: "row" })].concat(cells) });
  }

  function rows(data, key, pins) {
    const named = [["shown", key], ["judged", data.judged]];
    pins.forEach(function (pin) { if (pin in data.rows) named.push(["pinned", pin]); });
    return named.map(function (one) { return row(one[0], data.rows[one[1]]); });
  }

  function address(shown, data, key, pins) {
    const query = new URLSearchParams(shown.search);
    query.delete("window");
    query.delete("pin");
    if (key !== data.judged) query.set("window", key);
    pins.forEach(function (pin) { query.append("pin", pin); });
    return { path: shown.path, search: "?" + query.toString() };
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    live: {
      // What the server drew anew: values of figures that keep their theme, texts and tables by id.
      redraw: function (drawn, graphs) {
        const texts = (drawn || {}).texts || {};
        Object.keys(texts).forEach(function (id) {
          if (document.getElementById(id)) window.dash_clientside.set_props(id, { children: texts[id] });
        });
        const tables = (drawn || {}).tables || {};
        Object.keys(tables).forEach(function (id) {
          if (document.getElementById(id)) window.dash_clientside.set_props(id, { "data-twin": tables[id] });
        });
        return graphs.map(function (graph) {
          const figure = drawn && drawn.figures[graph.name];
          if (!figure) return window.dash_clientside.no_update;
          const made = new window.dash_clientside.Patch();
          if (figure.data) made.assign(["data"], figure.data);
          Object.keys(figure.layout).forEach(function (key) { made.assign(["layout", key], figure.layout[key]); });
          return made.build();
        });
      },

      move: function (wait, transfer, click, pinClicks, backClicks, data, shown, graphs) {
        const same = window.dash_clientside.no_update;
        const query = new URLSearchParams(shown.search);
        const now = query.get("window") in data.said ? query.get("window") : data.judged;
        const cause = (window.dash_clientside.callback_context.triggered[0] || {}).prop_id || "";
        let key = now;
        let pins = query.getAll("pin");
        if (cause.startsWith("af1-wait")) key = nearest(data, wait, transfer, "wait") || now;
        else if (cause.startsWith("af1-transfer")) key = nearest(data, wait, transfer, "transfer") || now;
        else if (cause.startsWith("af1-back") && backClicks) key = data.judged;
        else if (cause.startsWith("af1-pin") && pinClicks) pins = pinned(pins, now);
        else if (cause.startsWith("af1-click") && click && click.unlock) {
          key = data.judged;
          pins = [];
        } else if (cause.startsWith("af1-click") && click) {
          const found = clicked(click, data, now);
          if (found && click.shift) pins = pinned(pins, found);
          else if (found) key = found;
        }
        const cell = parts(key);
        const slid = [cell[0] === wait ? same : cell[0], cell[1] === transfer ? same : cell[1]];
        const figures = graphs.map(function (graph) {
          return key !== now && graph.name in data.moves ? patch(data.moves[graph.name], key) : same;
        });
        if (key === now && pins.join() === query.getAll("pin").join()) return slid.concat([same, figures, same, same]);
        return slid.concat([address(shown, data, key, pins), figures, data.said[key], rows(data, key, pins)]);
      },
    },
  });
})();
