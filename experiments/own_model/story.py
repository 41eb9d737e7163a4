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
# # Bring your own model
#
# Any directory that `transformers` opens can be studied: `config.json`, `model.safetensors`, `tokenizer.json`. Here the
# directory of a shipped model stands in for yours, opened by its path like any other. Change `DIRECTORY`, and `TASK` to
# numbers that your tokenizer writes as one token.

# %% tags=["parameters"]
DIRECTORY = "data/zoo/mental-math"
TASK = "experiments/own_model/tens.json"
N = 100  # prompts or pairs behind each figure
STORE = None  # None: $ARITHMOSCOPE_STORE or ./store

# %%
from pathlib import Path

from experiments.asking import ask, draw, said
from interp.methods.faithfulness import answered
from interp.models import load
from interp.models.shapes import shape_of
from interp.store import Store
from interp.tasks import build, check_task, named_task, profile

store = Store(STORE)

# %% [markdown]
# ## How large is it?
#
# Read from `config.json` and the headers of the weights; nothing is opened yet. `interp run ... --dry-run` says in the
# same way what a question would cost.

# %%
shape_of(DIRECTORY)

# %% [markdown]
# ## Is it still the same model?
#
# Opening wraps it in TransformerLens and compares log-probabilities with the plain model on seeded tokens. A difference
# is an error that says how large it is, so a model that opens is the model you have.

# %%
model = load(DIRECTORY)
print(profile(model.arith.tokenizer))

# %% [markdown]
# ## A task of your own
#
# A task is a small JSON file: an expression, ranges, wordings. Every wording says where its operands and signs stand,
# so that results can be told by role. The check says in one line when your tokenizer splits an answer.

# %%
print(Path(TASK).read_text())

# %%
task = named_task(TASK)
check_task(task, model.arith.tokenizer)
prompts = build(task, model.arith.tokenizer, "plain", "test", N)
print(prompts.roles, prompts.texts[:3], prompts.answers[:3])

# %% [markdown]
# ## Which prompts does it answer at all?
#
# Faithfulness and patching are about prompts that the model gets right; the others say nothing about how it does it.

# %%
right = answered(model, prompts)
print(f"{len(right)} of {len(prompts)} prompts are answered")

# %% [markdown]
# ## Accuracy
#
# On operands of the test split, beside the best constant answer.

# %%
accuracy = ask(store, "accuracy", DIRECTORY, TASK, n=N)
draw(accuracy)

# %% [markdown]
# ## Where does the second operand travel?
#
# Written layer by layer and role by role from the clean run into the run with another b; the null writes an unrelated
# prompt.

# %%
patching = ask(store, "patching", DIRECTORY, TASK, n=N)
draw(patching)

# %% [markdown]
# ## What we have
#
# The runs are in the store with the hash of the weights, so that the same question of a changed model is another run.

# %%
print(said(accuracy))
print(said(patching))
assert len(right) > 0.5 * len(prompts), "the model answers most of the prompts; else choose an easier task"
assert float(accuracy.accuracy_low) > float(accuracy.null_majority), "it is better than any constant answer"
assert float(patching.recovered.sel(layer=0, role="b")) > 0.9, "the written operand brings its answer"

# %% [markdown]
# From here: `interp study --model DIRECTORY` asks all main questions; `experiments/af1/reproduce.py --model DIRECTORY`
# the whole protocol of "All for One", `experiments/circuits` what computes the answer, and `interp app` shows it.
