"""What does the model answer, asked with nothing but transformers?

    python plain_transformers.py CHECKPOINT PROMPTS.jsonl  > predictions.jsonl

PROMPTS.jsonl is what `interp tasks export` writes. One line a prompt: prompt, answer, the most likely next token and
its logit. It knows nothing of this project, so an agreement with `interp run accuracy` is evidence.
"""

from __future__ import annotations

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def last_logits(directory: str, prompts: list[str]) -> torch.Tensor:
    """Return the logits [prompt, vocab] after each prompt, one prompt at a time: no batch, no padding."""
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory)
    with torch.no_grad():
        return torch.stack([model(**tokenizer(prompt, return_tensors="pt")).logits[0, -1] for prompt in prompts])


def predictions(directory: str, file: str) -> list[dict[str, object]]:
    """Return for each line of `file` its prompt, its answer, what the model says and with which logit."""
    with open(file) as lines:
        questions = [json.loads(line) for line in lines]
    tokenizer = AutoTokenizer.from_pretrained(directory)
    best = last_logits(directory, [question["prompt"] for question in questions]).max(dim=-1)
    said = zip(questions, best.indices.tolist(), best.values.tolist(), strict=True)
    return [
        {"prompt": q["prompt"], "answer": q["answer"], "predicted": tokenizer.decode([token]), "logit": logit}
        for q, token, logit in said
    ]


if __name__ == "__main__":
    for found in predictions(*sys.argv[1:3]):
        print(json.dumps(found))
