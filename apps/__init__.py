"""Programs built on `interp`; `interp` never imports them."""
