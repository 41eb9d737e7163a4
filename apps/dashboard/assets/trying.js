/* The links to Try it: each asks about what the address of its page has in focus (components/try_link.py). */
(function () {
  "use strict";

  function asked(shown, from) {
    const now = new URLSearchParams((shown || {}).search);
    const query = new URLSearchParams(from.search);
    from.takes.forEach(function (name) {
      if (now.has(name)) query.set(name, now.get(name));
    });
    const pair = from.pairs[Number(now.get("example") || 0)] || {};
    Object.keys(pair).forEach(function (name) {
      query.delete(name);
      [].concat(pair[name]).forEach(function (value) { query.append(name, value); });
    });
    return from.path + "?" + query;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    trying: {
      follow: function (shown, links) {
        return links.map(function (from) { return asked(shown, from); });
      },
    },
  });
})();
