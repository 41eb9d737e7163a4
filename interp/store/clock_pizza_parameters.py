"""What may be asked about clock and pizza: how many gradients, untrained networks and checkpoints?"""

from __future__ import annotations

from pydantic import Field

from interp.store.fields import Parameters


class ClockPizza(Parameters):
    """By which algorithm does a modular-addition network add: a clock, a pizza, or neither?"""

    n_triples: int = Field(5000, ge=2, description="triples (a, b, c) whose gradients are compared")
    n_untrained: int = Field(3, ge=1, le=100, description="untrained networks of the same shape beside it")
    n_checkpoints: int = Field(12, ge=0, description="training steps also looked at, where the model has checkpoints")
