"""How often is the model right?

    accuracy = mean_i 1[ argmax_v logits_i[v] = answer_i ]      over the whole vocabulary, last position

Beside it the best constant answer (`null_majority`) and the mean accuracy against shuffled answers
(`null_shuffled`).

Reading: 1 = always right. The interval is Wilson's for n independent prompts. An accuracy whose lower end is
below `null_majority` may be a habit rather than arithmetic. `answer_logprob` tells how sure the model was,
prompt by prompt.

Source: Wilson, JASA 22 (1927) 209 (interval).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.engine import run
from interp.methods import metrics, nulls
from interp.methods.grid import require_prompts
from interp.methods.intervals import wilson
from interp.methods.result import attributes, mean_variables, token_texts, variable
from interp.progress import Progress, silent

if TYPE_CHECKING:
    from interp.tasks.prompts import Prompts


def accuracy(
    model: Any, prompts: Prompts, *, batch_size: int = 512, progress: Progress = silent, seed: int = 0
) -> xr.Dataset:
    """Return top-1 accuracy on `prompts` with its interval and nulls, and what was said on every prompt.

    `correct` [prompt] int8, `predicted` [prompt] text, `answer_logprob` [prompt] nats, `accuracy` in [0, 1].
    Nothing is random, so `seed` changes nothing. Raises InterpError on no prompts or non-finite logits.
    """
    require_prompts(prompts)
    logits = run(model, prompts, batch_size=batch_size, progress=progress).logits
    correct = metrics.correct(logits, prompts).cpu().numpy()
    predicted = logits.argmax(dim=-1).cpu().numpy()
    title = f"Top-1 accuracy on {prompts.task} ({prompts.style}, {prompts.split}), {len(prompts)} prompts."
    return xr.Dataset(
        {
            "correct": variable("prompt", correct.astype(np.int8), "0 or 1", "the top token is the answer"),
            "predicted": variable("prompt", np.array(token_texts(model, predicted)), "text", "the top token"),
            "answer_logprob": variable(
                "prompt", metrics.answer_logprob(logits, prompts), "nats", "log-probability of the answer"
            ),
            **mean_variables(
                "accuracy",
                "",
                correct.mean(),
                wilson(correct.sum(), len(prompts)),
                "fraction",
                "share of right answers",
            ),
            "n": variable("", len(prompts), "prompts", "number of prompts"),
            "null_majority": variable(
                "",
                nulls.majority_accuracy(prompts.answer_ids),
                "fraction",
                "accuracy of the best constant answer",
            ),
            "null_shuffled": variable(
                "",
                nulls.shuffled_accuracy(predicted, prompts.answer_ids),
                "fraction",
                "mean accuracy of these predictions against shuffled answers (exact)",
            ),
        },
        coords={"prompt": list(prompts.texts)},
        attrs=attributes("accuracy", model, prompts, title),
    )
