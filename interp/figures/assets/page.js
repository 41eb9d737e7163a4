"use strict";
/* A page of figures: each is unpacked and drawn when it comes near the window, and let go when it is far away. */
(() => {
  const root = document.documentElement;
  const packed = JSON.parse(document.getElementById("page-data").textContent);
  const TYPES = { f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array,
    i4: Int32Array, u4: Uint32Array };
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const theme = () => chosen || (system.matches ? "dark" : "light");

  async function unpack(name) {
    const bytes = Uint8Array.from(atob(document.getElementById(name).textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  async function draw(place) {
    if (place.dataset.drawn === theme()) return;
    const wanted = theme();
    place.dataset.drawn = wanted;
    try {
      const figure = await unpack(place.dataset.figure);
      figure.layout.template = packed.templates[wanted];
      await Plotly.react(place, figure.data, figure.layout, packed.config);
    } catch (problem) {
      place.textContent = "This figure cannot be drawn here (" + problem.message + "); its table is below.";
    }
  }

  function forget(place) {
    if (!place.dataset.drawn || document.fullscreenElement) return;
    delete place.dataset.drawn;
    Plotly.purge(place);
    place.replaceChildren();
  }

  const near = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) { near.add(entry.target); draw(entry.target); }
      else { near.delete(entry.target); forget(entry.target); }
    }
  }, { rootMargin: "900px 0px" });

  function dress() {
    root.dataset.theme = theme();
    for (const place of near) draw(place);
  }

  async function table(place) {
    if (place.firstChild) return;
    const twin = await unpack(place.dataset.table);
    const made = document.createElement("table");
    const row = (cells, heads, where) => {
      const line = where.insertRow();
      cells.forEach((text, i) => {
        const cell = document.createElement(heads === null || i < heads ? "th" : "td");
        if (cell.tagName === "TH") cell.scope = heads === null ? "col" : "row";
        cell.textContent = text;
        line.append(cell);
      });
    };
    made.createCaption().textContent = twin.caption;
    row(twin.columns, null, made.createTHead());
    const body = made.createTBody();
    twin.rows.forEach((cells) => row(cells, twin.n_labels, body));
    place.append(made);
  }

  const quoted = (text) => (/[",\n]/.test(text) ? '"' + String(text).replaceAll('"', '""') + '"' : text);

  async function save(card, kind) {
    const name = card.id;
    if (kind === "csv") {
      const twin = await unpack(card.querySelector("[data-table]").dataset.table);
      const text = [twin.columns, ...twin.rows].map((cells) => cells.map(quoted).join(",")).join("\n") + "\n";
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      link.download = name + ".csv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      return;
    }
    const place = card.querySelector(".plot");
    await draw(place);
    await Plotly.downloadImage(place, { format: kind, filename: name, scale: kind === "png" ? 2 : 1,
      width: place.clientWidth, height: place.clientHeight });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const card = button.closest(".card");
    if (button.id === "theme") {
      chosen = theme() === "dark" ? "light" : "dark";
      dress();
    } else if (button.dataset.save) save(card, button.dataset.save);
    else if (button.dataset.full !== undefined) card.requestFullscreen();
    else if (button.dataset.copy !== undefined) navigator.clipboard.writeText(button.previousElementSibling.textContent);
  });
  document.addEventListener("fullscreenchange", () => {
    for (const place of near) if (place.dataset.drawn) Plotly.Plots.resize(place);
  });
  document.addEventListener("toggle", (event) => {
    const place = event.target.open && event.target.querySelector && event.target.querySelector("[data-table]");
    if (place) table(place);
  }, true);

  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const each of document.querySelectorAll("[data-words]")) {
      each.hidden = !words.every((word) => each.dataset.words.includes(word));
    }
    for (const line of document.querySelectorAll("tr[data-verdict]")) {
      const text = line.textContent.toLowerCase();
      line.hidden = !words.every((word) => text.includes(word));
    }
    for (const section of document.querySelectorAll("main section")) {
      section.hidden = !section.querySelector("[data-words]:not([hidden]), tr[data-verdict]:not([hidden])");
    }
    for (const part of document.querySelectorAll("nav details")) {
      part.hidden = words.length > 0 && !part.querySelector("li[data-words]:not([hidden])");
      if (words.length) part.open = true;
    }
  });

  system.addEventListener("change", dress);
  dress();
  document.querySelectorAll(".plot").forEach((place) => watch.observe(place));
})();
