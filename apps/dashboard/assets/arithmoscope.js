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

      copyLink: async function () {
        try {
          await navigator.clipboard.writeText(window.location.href);
          return "copied";
        } catch (error) {
          return "copy it from the address bar";
        }
      },
    },
  });
})();
