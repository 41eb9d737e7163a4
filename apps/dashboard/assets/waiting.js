/* Asking again while something is awaited: one question at a time, the next one a moment after the last answer.
   A dcc.Interval would ask on while an answer is still on its way, and Dash drops answers that a newer question overtakes.
   A server that does not answer is asked again now and then, so that a page goes on when the server is back. */
(function () {
  "use strict";
  const PATIENCE = 8000; // milliseconds without an answer
  const timers = {};

  function ask(awaited, silent) {
    const place = document.getElementById(awaited.on);
    if (!place) return; // the reader has left the page
    place.classList.toggle("unanswered", silent);
    timers[awaited.look] = setTimeout(ask, PATIENCE, awaited, true);
    window.dash_clientside.set_props(awaited.look, { data: Date.now() });
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    waiting: {
      again: function (awaited) {
        if (awaited && awaited.look) {
          clearTimeout(timers[awaited.look]);
          const place = document.getElementById(awaited.on);
          if (place) place.classList.remove("unanswered");
          if (awaited.wait) timers[awaited.look] = setTimeout(ask, awaited.ms, awaited, false);
        }
        return window.dash_clientside.no_update;
      },
    },
  });
})();
