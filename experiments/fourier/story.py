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
# # Does a model add in circles?
#
# Three models: `planted:helix` adds on circles because it was written to, `modadd-59` learned to add modulo 59 and
# grokked, `mental-math` is a small Llama that was trained on sums and asked nothing about circles. Every method is
# shown where the answer is known before it is shown where it is not.
#
# Runs are recorded: the cells read them from the store, and compute what is missing.

# %% tags=["parameters"]
STORE = None  # None: $ARITHMOSCOPE_STORE or ./store

# %%
from experiments.fourier.protocol import draw, follow
from interp.progress import silent
from interp.store import Store

PARTS = (
    "planted-spectra", "planted-helix", "planted-rotation",
    "learned-spectrum", "learned-grokking", "learned-algorithm",
    "mental-spectrum", "mental-unembedding", "mental-spectra", "mental-helix", "mental-filters", "mental-digits",
)  # fmt: skip
store = Store(STORE)
runs = follow(store, silent, only=PARTS)

# %% [markdown]
# ## Where circles are known to be
#
# The spectrum of what stands for each number, at every layer and token, over what three nulls reach: white noise, the
# same points shuffled, and smooth number lines. A cell has a label only if it stands after all cells are corrected for.

# %%
draw(store, runs["planted-spectra"])

# %% [markdown]
# A helix is fitted on some numbers and written for others, in place of the operand. It brings the answer back; as many
# principal components do not, because they follow the decoys.

# %%
draw(store, runs["planted-helix"])

# %% [markdown]
# Turning one digit's circle half way round should move the answer by five.

# %%
draw(store, runs["planted-rotation"])

# %% [markdown]
# ## A model that learned circles
#
# The embeddings of modadd-59 have four frequencies. One more looks real until shuffled embeddings are asked: it is the
# double of another.

# %%
draw(store, runs["learned-spectrum"])

# %% [markdown]
# Restricted to the key frequencies the loss falls a thousand steps before the test loss does: the circuit is there
# before it shows.

# %%
draw(store, runs["learned-grokking"])

# %% [markdown]
# Clock or pizza? The evidence beside untrained networks of the same shape.

# %%
draw(store, runs["learned-algorithm"])

# %% [markdown]
# ## A model nobody asked to use circles
#
# No period in its embeddings ...

# %%
draw(store, runs["mental-spectrum"])

# %% [markdown]
# ... but several in its unembedding, and in the last layer at the answer:

# %%
draw(store, runs["mental-unembedding"])

# %%
draw(store, runs["mental-spectra"])

# %% [markdown]
# Is it a helix? On numbers held out the periods of base ten explain nothing that a smooth curve does not.

# %%
draw(store, runs["mental-helix"])

# %% [markdown]
# Taking low or high frequencies of the number logits away, beside random directions of equal number:

# %%
draw(store, runs["mental-filters"])

# %% [markdown]
# Digits read by circular probes, base against base, beside shuffled numbers:

# %%
draw(store, runs["mental-digits"])
