/* What only the browser can do: the address bar, the theme, the clipboard. No server is asked. */
(function () {
  "use strict";
  const COOKIE = "arithmoscope_theme";
  const root = document.documentElement;

  function remember(theme) {
    document.cookie = COOKIE + "=" + theme + "; path=/; max-age=31536000; SameSite=Strict";
    root.dataset.theme = theme;
    root.dataset.agThemeMode = theme;
  }

  // Before the first layout is asked for: the theme of the cookie, else that of the system.
  const known = document.cookie.match(/(?:^|; )arithmoscope_theme=(dark|light)/);
  const system = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  remember(known ? known[1] : system);

  function cell(row, kind, text, scope) {
    const made = row.appendChild(document.createElement(kind));
    made.textContent = text;
    if (scope) made.scope = scope;
  }

  // The table twin of a figure: text only, so nothing in the data can become markup.
  function unfold(holder) {
    const data = JSON.parse(holder.dataset.twin);
    const table = document.createElement("table");
    table.createCaption().textContent = data.caption;
    const head = table.createTHead().insertRow();
    data.columns.forEach(function (name) { cell(head, "th", name, "col"); });
    const body = table.createTBody();
    data.rows.forEach(function (values) {
      const row = body.insertRow();
      values.forEach(function (text, i) {
        cell(row, i < data.labels ? "th" : "td", text, i < data.labels ? "row" : null);
      });
    });
    holder.replaceChildren(table);
  }

  document.addEventListener("toggle", function (event) {
    const holder = event.target.open && event.target.querySelector(":scope > [data-twin]");
    if (holder) unfold(holder);
  }, true);

  // A table that is open follows the selection.
  new MutationObserver(function (changes) {
    changes.forEach(function (change) {
      if (change.target.parentElement && change.target.parentElement.open) unfold(change.target);
    });
  }).observe(root, { subtree: true, attributeFilter: ["data-twin"] });

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (error) {
      return false;
    }
  }

  // A button that copies the text of an element says for a moment whether it could.
  document.addEventListener("click", async function (event) {
    const button = event.target.closest("[data-copy]");
    const from = button && document.getElementById(button.dataset.copy);
    if (!from) return;
    button.textContent = (await copy(from.textContent)) ? "Copied" : "Copy failed";
    window.setTimeout(function () { button.textContent = "Copy"; }, 2000);
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    arithmoscope: {
      writeAddress: function (selection) {
        if (selection && selection.path === window.location.pathname.replace(/(.)\/$/, "$1")) {
          const wanted = selection.path + selection.search;
          if (wanted !== window.location.pathname + window.location.search) {
            window.history.replaceState(window.history.state, "", wanted);
          }
          const heading = document.querySelector("h1");
          document.title = (heading ? heading.textContent + " · " : "") + "Arithmoscope";
        }
        return window.dash_clientside.no_update;
      },

      toggleTheme: function (clicks, theme) {
        const next = theme === "dark" ? "light" : "dark";
        remember(next);
        return [next, next];
      },

      drawInTheme: function (theme, templates, figures) {
        return figures.map(function (figure) {
          return Object.assign({}, figure, {
            layout: Object.assign({}, figure.layout, { template: templates[theme] }),
          });
        });
      },

      quickFilter: function (text, options) {
        return Object.assign({}, options, { quickFilterText: text || "" });
      },

      wasPressed: function (clicks) { return Boolean(clicks); },

      // The address is the browser's own, for selections move it without the server.
      viewAsJson: function () {
        const asked = new URLSearchParams({ path: window.location.pathname, search: window.location.search });
        const link = document.createElement("a");
        link.href = "/download/view.json?" + asked;
        link.download = "";
        link.click();
      },

      copyLink: async function () {
        return (await copy(window.location.href)) ? "copied" : "copy it from the address bar";
      },
    },
  });
})();
