/* Asking again while something is awaited: one question at a time, the next one a moment after the last answer.
   A dcc.Interval would ask on while an answer is still on its way, and Dash drops answers that a newer question overtakes. */
(function () {
  "use strict";
  const timers = {};

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    waiting: {
      again: function (awaited) {
        if (awaited && awaited.look) {
          clearTimeout(timers[awaited.look]);
          if (awaited.wait) {
            timers[awaited.look] = setTimeout(function () {
              if (document.getElementById(awaited.on)) {
                window.dash_clientside.set_props(awaited.look, { data: Date.now() });
              }
            }, awaited.ms);
          }
        }
        return window.dash_clientside.no_update;
      },
    },
  });
})();
