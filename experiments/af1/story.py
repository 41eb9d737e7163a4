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
# # Does a small model wait?
#
# "All for One" (Mamidanna, Rai, Yao & Zhou, EMNLP 2025) found that Llama-3-8B answers `12+34+5=` in three stages: for
# 15 of its 32 blocks every token works on itself alone (*wait*), in two blocks the last token reads the others
# (*transfer*), and in the rest it works alone again (*compute*). Two tools show it:
#
# - **CAMA** overwrites what a token holds with its mean over prompts that have the same token there. What the token
#   knows of the *other* tokens is gone.
# - **ABP** hides attention: outside the transfer blocks every token sees itself and BOS alone.
#
# Faithfulness is accuracy on the prompts that the full model answers, so the full model has 1. `l_wait` blocks wait:
# CAMA overwrites the input of block `l_wait`; the paper's block index is one less.
#
# This notebook asks the question of two models of one architecture (6 blocks, 1.2 M parameters, trained here): one
# trained on arithmetic alone, and one trained so that attention outside a window had a price.

# %% tags=["parameters"]
MODEL, CONTROL = "mental-math", "waits-2-2"
N, N_REFERENCE, N_SELECTION = 1000, 4096, 500  # prompts: test, behind the means, selection
STORE = None  # None: $ARITHMOSCOPE_STORE or ./store

# %%
from experiments.af1.figures import draw
from experiments.af1.protocol import Protocol, follow, window_of
from experiments.af1.tables import t1, t3
from experiments.af1.verdict import verdicts
from interp.progress import silent
from interp.store import Store

store = Store(STORE)
PARTS = ("f1a", "f1b", "f1d", "t4", "heads", "window", "base")
runs = {}
for name in (MODEL, CONTROL):
    asked = Protocol(name, n=N, n_reference=N_REFERENCE, n_selection=N_SELECTION)
    runs[name] = follow(asked, store, silent, only=PARTS)


# %% [markdown]
# ## How long can every token wait?
#
# CAMA at the input of each block, everything after it as usual. The proposed line is CAMA; the others are what could
# stand in its place. `l_wait` 0 overwrites the embeddings, whose mean given the token is the embedding itself: it
# passes by construction and is no evidence of waiting.

# %%
draw(store, runs[MODEL], ["f1a"])["f1a"]

# %% [markdown]
# The model trained on arithmetic alone does not wait: one block in, what CAMA takes away is already needed. The control
# does.

# %%
draw(store, runs[CONTROL], ["f1a"])["f1a"]

# %% [markdown]
# ## Which windows are enough?
#
# Every (`l_wait`, `l_transfer`) at once, on the selection split. A model that reads first in block w and last in block
# w + t - 1 fills the region `l_wait` <= w, `l_wait` + `l_transfer` >= w + t.

# %%
draw(store, runs[MODEL], ["f1c"])["f1c"]

# %%
draw(store, runs[CONTROL], ["f1c"])["f1c"]

# %%
for name in (MODEL, CONTROL):
    print(name, window_of(store, runs[name]["search"]), store.open(runs[name]["search"]).summary["finding"])

# %% [markdown]
# ## How many blocks must the last token read in?

# %%
draw(store, runs[CONTROL], ["f1b"])["f1b"]

# %% [markdown]
# ## Where does the *full* model need attention?
#
# One block at a time, the last token's reads are cut; beside it as many other edges, and one head drawn at random.

# %%
draw(store, runs[MODEL], ["f1d"])["f1d"]

# %%
draw(store, runs[CONTROL], ["f1d"])["f1d"]

# %% [markdown]
# ## Does it have to be CAMA, ABP, this window?

# %%
draw(store, runs[CONTROL], ["t4-plot"])["t4-plot"]

# %% [markdown]
# ## Which heads carry the operands, and what do they look at?

# %%
draw(store, runs[CONTROL], ["f1e"])["f1e"]

# %%
draw(store, runs[CONTROL], ["f1f"])["f1f"]

# %% [markdown]
# ## Does the window hold on other tasks and styles?

# %%
t1(store, runs[CONTROL])

# %%
t3(store, runs[CONTROL])

# %% [markdown]
# ## What holds of what was published?

# %%
for found in verdicts(store, runs[MODEL]):
    print(f"{found.verdict:15} {found.claim.name}: {found.said}")

# %% [markdown]
# ## What we take from it
#
# The claims this notebook makes, checked against the runs it has just read.

# %%
plain, control = (store.open(runs[name]["search"]).summary for name in (MODEL, CONTROL))
assert not plain["found"], "the model trained on arithmetic alone has no window"
assert control["found"], "the control has one"
assert control["l_wait"] >= 2, "and waits at least as long as it was trained to"
