"""`interp generate`: what a model writes after a question, and what under interventions.

interp generate MODEL "12+34=" --ablate mlp_out.3@eq
interp generate MODEL "12+34=" --patch resid_pre.2@b --from "12+31=" --last generated
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from interp.cli import options as opt
from interp.cli.output import as_json, say, table
from interp.errors import InterpError

if TYPE_CHECKING:
    from interp.engine import Intervention, Site
    from interp.methods.generation import Generated

WRITE = "SITE.LAYER[.HEAD]@ROLE[,ROLE], e.g. mlp_out.3@eq; repeatable."


def add(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("generate")(generate)


def generate(
    model: Annotated[str, typer.Argument(help="Zoo name, planted name, directory or hub name.")],
    prompt: Annotated[str, typer.Argument(help='A question; numbers are a, b ..., signs op1 ..., "=" eq.')],
    ablate: Annotated[list[str] | None, typer.Option(help=f"Write 0: {WRITE}")] = None,
    patch: Annotated[list[str] | None, typer.Option(help=f"Write what --from has there: {WRITE}")] = None,
    source: Annotated[str | None, typer.Option("--from", help="The question that --patch reads; same roles.")] = None,
    last: Annotated[
        str, typer.Option(help="A write at `last`: prompt (once) or generated (also each token).")
    ] = "prompt",
    tokens: Annotated[int, typer.Option(min=1, help="New tokens at most; a text may end before.")] = 8,
    temperature: Annotated[float | None, typer.Option(help="Draw instead of taking the top token.")] = None,
    seed: opt.Seed = 0,
    device: opt.Device = "cpu",
    dtype: opt.Dtype = "float32",
    json: opt.Json = False,
) -> None:
    """Continue a PROMPT, plainly and (with --ablate or --patch) under interventions held at its roles."""
    from interp.methods.generation import Greedy, Sampled
    from interp.methods.generation import generate as continued
    from interp.models import load
    from interp.tasks.own_text import typed

    if bool(patch) != (source is not None):
        raise InterpError('--patch and --from belong together: --patch resid_pre.2@b --from "12+31=".')
    opened = load(model, device, dtype)
    tokenizer = opened.arith.tokenizer
    if tokenizer is None:
        raise InterpError(f"{model!r} is a toy model without a tokenizer; generate needs one that reads text.")
    asked = typed(tokenizer, prompt)
    writes = [_zero(*_place(text)) for text in ablate or ()] + _patches(opened, asked, source, patch or [])
    stop = () if tokenizer.eos_token_id is None else (int(tokenizer.eos_token_id),)
    how = Greedy(tokens, stop) if temperature is None else Sampled(tokens, stop, temperature, seed)
    found = {"plain": continued(opened, asked, how)}
    if writes:
        found["edited"] = continued(opened, asked, how, writes, last=last)
    texts = {name: each.texts(tokenizer, stop)[0] for name, each in found.items()}
    if json:
        told = {name: _told(each, texts[name]) for name, each in found.items()}
        as_json({"model": model, "prompt": prompt, "roles": list(asked.roles), "edits": list(map(str, writes)), **told})
        return
    rows = [(name, texts[name], " ".join(f"{p:.2f}" for p in each.logprobs[0])) for name, each in found.items()]
    table(f"{model} after {prompt!r}", ("run", "continuation", "log-probability of each token"), rows)
    say(f"roles: {' '.join(asked.roles)}" + "".join(f"; {each}" for each in writes))


def _place(text: str) -> tuple[Site, tuple[str, ...]]:
    """Read "mlp_out.3@eq,last" as a site and roles."""
    from interp.engine import Site

    name, at, roles = text.partition("@")
    parts = name.split(".")
    if not at or not roles or len(parts) > 3 or not all(part.isdecimal() for part in parts[1:]):
        raise InterpError(f"{text!r} is no place; write SITE.LAYER[.HEAD]@ROLE, e.g. mlp_out.3@eq or z.2.0@last.")
    return Site(parts[0], *map(int, parts[1:])), tuple(role.strip() for role in roles.split(","))


def _zero(site: Site, roles: tuple[str, ...]) -> Intervention:
    from interp.engine import Intervention, Zero

    return Intervention(site, roles, Zero())


def _patches(model: Any, asked: Any, source: str | None, places: list[str]) -> list[Intervention]:
    """The writes of what the source question has at each place. Raises InterpError unless the roles are the same."""
    from interp.engine import Intervention, from_run, run
    from interp.tasks.own_text import typed

    if source is None:
        return []
    other = typed(model.arith.tokenizer, source)
    if other.roles != asked.roles:
        raise InterpError(
            f"{source!r} ({' '.join(other.roles)}) and the prompt ({' '.join(asked.roles)}) are not aligned; write "
            "both with the same words and the same number of tokens."
        )
    read = [_place(text) for text in places]
    found = run(model, other, reads=[site for site, _ in read])
    return [Intervention(site, roles, from_run(found, site)) for site, roles in read]


def _told(found: Generated, text: str) -> dict[str, Any]:
    kept = found.tokens[0] >= 0
    return {"text": text, "tokens": found.tokens[0][kept].tolist(), "logprobs": found.logprobs[0][kept].tolist()}
