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
# # A tour: where, when and in what code is 12 + 34 computed?
#
# One small model (`mental-math`: 6 blocks, 1.2 M parameters, trained here on sums and differences; every number is one
# token) and one task. Each stop asks one question, draws one figure, and puts a null beside it: what the same number
# would be if there were nothing to find.
#
# Every answer is a recorded run. What the store holds is read, what is missing is computed (a minute or two in all) and
# kept.

# %% tags=["parameters"]
MODEL, CONTROL, TASK = "mental-math", "waits-2-2", "a+b"
N = 200  # prompts or pairs behind each figure
STORE = None  # None: $ARITHMOSCOPE_STORE or ./store

# %%
from experiments.asking import ask, draw, said
from interp.models import load
from interp.store import Store
from interp.tasks import build, get_task

store, model = Store(STORE), load(MODEL)

# %% [markdown]
# ## The task
#
# A task makes prompts. Their positions have roles (`a`, `op1`, `b`, `eq`), and for every prompt the causal variables
# are known exactly: operands, digits, carries. Prompts to learn from, to choose with and to judge on are apart.

# %%
prompts = build(get_task(TASK), model.arith.tokenizer, n=5)
print(prompts.roles)
for text, answer in zip(prompts.texts, prompts.answers, strict=True):
    print(text, answer)

# %% [markdown]
# ## Can it do this?
#
# Accuracy on operands it was not trained on. The null is the best constant answer.

# %%
accuracy = ask(store, "accuracy", MODEL, TASK, n=N)
draw(accuracy)

# %% [markdown]
# ## When is the answer there?
#
# The logit lens reads every layer as if it were the last. The answer appears at the last token, in the last blocks;
# what a constant answer would score is named above the map.

# %%
lens = ask(store, "lens", MODEL, TASK, n=N)
draw(lens)

# %% [markdown]
# ## Where does the second operand travel?
#
# The same prompt with another b is run, and one activation of the clean run is written into it. 1 means that the clean
# answer is back. Before the first block it stands at b, after it at the last token: one block carries it over. The null
# writes the same place of an unrelated prompt.

# %%
patching = ask(store, "patching", MODEL, TASK, n=N)
draw(patching)

# %% [markdown]
# ## What can be read where?
#
# Linear probes for each variable, by layer and role, on operands that they were not fitted on, beside probes of
# shuffled labels. That something can be read does not say that it is used.

# %%
probing = ask(store, "probing", MODEL, TASK, targets=["b", "result"], n_train=1000, n_test=N)
draw(probing)

# %% [markdown]
# ## In what code?
#
# The spectrum of the unembedding rows of the numbers: how much of them repeats with each period. The nulls are white
# noise, the same rows in shuffled order, and smooth number lines; a period counts when it stands above all three.

# %%
spectrum = ask(store, "spectrum", MODEL, of="unembed")
draw(spectrum)

# %% [markdown]
# ## Does it wait?
#
# "All for One" found that large models let every token wait by itself for half of the blocks, and then transfer within
# two. Here two blocks wait (what the tokens know of each other is taken away) and two transfer. Beside it: the
# unconditional mean, zero, and the best constant answer.

# %%
window = ask(store, "window", MODEL, "a+b+c", l_wait=2, l_transfer=2, n=N, n_reference=2000)
draw(window)

# %% [markdown]
# This model does not. `waits-2-2`, the same shape trained so that waiting pays, does: the method finds what is there.

# %%
control = ask(store, "window", CONTROL, "a+b+c", l_wait=2, l_transfer=2, n=N, n_reference=2000)
draw(control)

# %% [markdown]
# ## What we take from it
#
# The claims of this page, checked against the runs it has just read.

# %%
for found in (accuracy, lens, patching, probing, spectrum, window, control):
    print(f"{found.attrs['method']}: {said(found)}")

assert float(accuracy.accuracy_low) > 0.9 > float(accuracy.null_majority)
assert float(patching.recovered.sel(layer=0, role="b")) > 0.9, "b stands at b before the first block"
assert float(patching.recovered.sel(layer=1, role="eq")) > 0.5, "and at the last token after it"
assert float(abs(patching.recovered_null.sel(layer=0, role="b"))) < 0.9, "an unrelated prompt does not do that"
assert float(window.faithfulness) < 0.5 < 0.9 < float(control.faithfulness)

# %% [markdown]
# Where to go on: `experiments/af1`, `experiments/circuits`, `experiments/fourier` and `experiments/multiplication` have
# a notebook each; `experiments/own_model` does this with a model of yours; `interp app` shows all runs side by side.
