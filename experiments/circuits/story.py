# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What computes 46 + 12 in a small model?
#
# One model (`mental-math`: 6 blocks of 4 heads, trained here on sums and differences of numbers up to 99, each number
# one token), one task (a+b), and every causal method of the library side by side: patching, attribution, circuits, key
# heads, and the exchange of a causal variable. Each figure has its null beside it.
#
# Runs are recorded: the cells read them from the store, and compute what is missing.

# %% tags=["parameters"]
MODEL, TASK = "mental-math", "a+b"
PARTS = ("denoising", "heads", "gradient", "ig_inputs", "circuits", "circuits_gradient", "key_heads")
STORE = None  # None: $ARITHMOSCOPE_STORE or ./store

# %%
from experiments.circuits.protocol import draw, follow
from interp.progress import silent
from interp.store import Store

store = Store(STORE)
runs = follow(store, silent, model=MODEL, task=TASK, only=PARTS)

# %% [markdown]
# ## Where does the second operand travel?
#
# The corrupted prompt has another b. Writing the clean residual at one layer and role brings the clean answer back
# where the difference stands: at b before the first block, at the last token after it. The null writes an unrelated
# prompt.

# %%
draw(store, runs["denoising"])

# %% [markdown]
# ## Which heads carry it?
#
# Each head's output alone. Only heads of the first block move anything: from there MLPs work on what they bring.

# %%
draw(store, runs["heads"])

# %% [markdown]
# ## What does a gradient see of this?
#
# Attribution patching estimates all of these effects from one backward. In this model it is nearly blind: every point
# on the vertical axis is an effect that the gradient at the corrupted run does not show.

# %%
draw(store, runs["gradient"], "agreement")

# %% [markdown]
# Integrated along the way between the two embeddings it follows the exact effects closely.

# %%
draw(store, runs["ig_inputs"], "agreement")

# %% [markdown]
# ## How few edges keep the answer?
#
# Edges ranked by integrated gradients on training pairs, judged on test pairs; everything outside carries the corrupted
# prompt. Random circuits of the same size keep nothing until nearly every edge is in.

# %%
draw(store, runs["circuits"])

# %%
draw(store, runs["circuits"], "top_edges")

# %% [markdown]
# ## Which heads does the answer need?
#
# Path patching of each head to the logits, with another operand and with the other operator: different heads of the
# first block. An unrelated pair does as much as the twin, so a large effect says that a head carries the answer's
# operands, not that it carries this difference alone. The knockout is judged against random heads of the same layers.

# %%
draw(store, runs["key_heads"], "head_map")

# %%
draw(store, runs["key_heads"], "knockout_curve")

# %% [markdown]
# ## What we take from it
#
# The claims this notebook makes, checked against the runs it has just read.

# %%
opened = {name: store.open(run_id).load() for name, run_id in runs.items()}
half = opened["circuits"].sel(ranking="size", share=0.05)
assert float(half.faithfulness) > 0.5, "one edge in twenty keeps more than half of the logit difference"
assert float(half.faithfulness_null.max()) < 0.05, "as many random edges keep nothing"
assert float(opened["circuits"].cmd.sel(ranking="size")) < float(opened["circuits_gradient"].cmd.sel(ranking="size"))
assert float(opened["gradient"].pearson) < float(opened["ig_inputs"].pearson), "the plain gradient sees less"
strongest = [str(name) for name in opened["key_heads"]["rank"].values[:3]]
assert all(name.startswith("0.") for name in strongest), "the strongest heads are of the first block"
assert float(opened["key_heads"].accuracy.sel(n_removed=2)) < 0.05, "without two of them nothing is answered"
