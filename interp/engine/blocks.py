"""One block at a time: the same model, called so that experiments on the last token share all that comes before.

    run(model, prompts).logits = logits( through(L-1, ... through(1, through(0, embed(tokens)))) [last row] )

The rows of a call need not be the prompt. K copies of the last token, each at its place but with its own visible
keys, stand behind one prefix in one sequence ("packed"): K experiments for K rows instead of K prompts.

    rows     BOS a + b =  = = =
    places     0 1 2 3 4  4 4 4
    visible  [query row, key row]: what each copy may read of the prefix, and itself

How a block is called (masks, position ids, rotary tables, cache switches) differs between architectures, so it is
learned from one real forward (`block_calls`). Nothing is assumed to have worked: two packed copies of the last token
must both give the model's own logits, or `Blocks.of` raises.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interp.engine.block_calls import Call, Rows, capture
from interp.engine.hooks import device_of
from interp.engine.run import evaluating
from interp.errors import InterpError

PARITY = {torch.float64: 1e-6, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 6e-2}
"""Largest difference from the model's own logits that is rounding, as a fraction of the largest logit (at least 1)."""


class Blocks:
    """A model's blocks for prompts of one length; made by `Blocks.of`, which checks that they give the model."""

    def __init__(self, model: Any, calls: list[Call], n_pos: int) -> None:
        self.model, self.n_pos, self._calls = model, n_pos, calls

    @classmethod
    def of(cls, model: Any, prompts: Any) -> Blocks:
        """Return the blocks for prompts of this length. Raises InterpError if the model cannot be run block by block.

        Costs two forwards of two prompts.
        """
        if len(prompts) == 0:
            raise InterpError("There are no prompts to run through the blocks; give at least one.")
        tokens = torch.tensor(prompts.tokens[[0, -1]], device=device_of(model))
        calls, logits = capture(model, tokens)
        blocks = cls(model, calls, tokens.shape[1])
        blocks._require_parity(tokens, logits)
        return blocks

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._calls)

    def embed(self, tokens: Any) -> Float[Tensor, "prompt pos d_model"]:
        """Return the residual stream before block 0 of tokens int [prompt, pos]."""
        batch = torch.as_tensor(tokens, device=device_of(self.model))
        with torch.no_grad(), evaluating(self.model):
            return self.model(batch, attention_mask=torch.ones_like(batch), stop_at_layer=0)

    def through(
        self, layer: int, resid: Float[Tensor, "prompt row d_model"], places: Any, visible: Any
    ) -> Float[Tensor, "prompt row d_model"]:
        """Return the residual stream after block `layer`.

        places: int [row], where in the prompt each row stands (repeats allowed). visible: bool [query, key], [head or
        1, query, key] or [prompt or 1, head or 1, query, key] over rows. It can only narrow what the model's own mask
        lets those places see, and a row never sees a later row. Raises InterpError for a layer, rows, places or masks
        that do not fit, and for a row that would see nothing.
        """
        if not 0 <= layer < len(self):
            raise InterpError(f"Block {layer} is outside this model of {len(self)} blocks (counted from 0).")
        call, where = self._calls[layer], torch.as_tensor(places, device=resid.device)
        rows = Rows(resid, where, self._mask(call.allowed, resid, where, visible))
        with torch.no_grad(), evaluating(self.model):
            return call(self.model.blocks[layer], rows)

    def logits(self, resid: Float[Tensor, "prompt d_model"]) -> Float[Tensor, "prompt vocab"]:
        """Return the float32 logits of a residual stream after the last block."""
        with torch.no_grad(), evaluating(self.model):
            return self.model.unembed(self.model.ln_final(resid[:, None]))[:, 0].float()

    def _mask(self, allowed: Tensor, resid: Tensor, places: Tensor, visible: Any) -> Tensor:
        """Return what is added to the scores, [prompt or 1, head or 1, row, row]: 0 where visible, else -inf."""
        n_rows = resid.shape[1]
        seen = torch.as_tensor(visible, dtype=torch.bool, device=resid.device)
        fits = places.shape == (n_rows,) and 2 <= seen.ndim <= 4 and seen.shape[-2:] == (n_rows, n_rows)
        if not fits or int(places.min()) < 0 or int(places.max()) >= self.n_pos:
            raise InterpError(
                f"A call with {n_rows} rows needs one place in 0..{self.n_pos - 1} for each and a visibility "
                f"[..., {n_rows}, {n_rows}]; got places {tuple(places.shape)} and visibility {tuple(seen.shape)}."
            )
        own = allowed.to(resid.device)[:, places][:, :, places].tril()
        seen = seen.reshape((1,) * (4 - seen.ndim) + seen.shape) & own
        if not bool(seen.any(-1).all()):
            raise InterpError("A row would see no key at all; leave it at least one, for example itself.")
        return torch.zeros(seen.shape, dtype=resid.dtype, device=resid.device).masked_fill(~seen, -torch.inf)

    def _require_parity(self, tokens: Tensor, logits: Tensor) -> None:
        """Raise InterpError unless two packed copies of the last token both give the model's logits."""
        last = tokens.shape[1] - 1
        resid = self.embed(tokens)
        resid = torch.cat([resid, resid[:, -1:]], dim=1)
        visible = np.tril(np.ones((last + 2, last + 2), dtype=bool))
        visible[last + 1, last] = False
        for layer in range(len(self)):
            resid = self.through(layer, resid, [*range(last + 1), last], visible)
        gap = max(float((self.logits(resid[:, row]) - logits).abs().max()) for row in (last, last + 1))
        rounding = PARITY.get(resid.dtype, 0.0) * max(1.0, float(logits.abs().max()))
        if not gap <= rounding:  # nan must fail too
            kind = getattr(self.model.cfg, "architecture", None) or type(self.model).__name__
            raise InterpError(
                f"{kind} cannot be run block by block: its logits differ by {gap:.2g} from the model's own "
                f"(rounding would be {rounding:.2g}). Use `run` with interventions."
            )
