"""What must be known to answer? Every exact causal variable of a question, as a table.

    operands and steps by their own names     a, b, partial, result
    <number><column>                          the digit in a column, units first: a0 = units of a
    <step>_column<column>                     the sum (difference) of the two digits of a column, before any carry
    <step>_carry<column>, _borrow<column>     the carry (borrow) out of a column
    <step>_carries, _borrows, _chain          their number, and the longest run of neighbours

Columns are those that the largest numbers of the task need, whatever the prompts at hand, so two samples of one
task have the same variables. Steps with * // % have digits but no columns yet.
"""

from __future__ import annotations

import numpy as np

from interp.tasks import numbers
from interp.tasks.expression import Expression

Bounds = dict[str | int, tuple[int, int]]


def table(read: Expression, bounds: Bounds, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return {variable: int64 [prompt]} for `values` of the operands and steps within their `bounds`."""
    widths = {name: len(str(high)) for name, (_, high) in bounds.items()}
    found = dict(values)
    for name, column in values.items():
        found.update({f"{name}{i}": digit for i, digit in enumerate(numbers.digits(column, widths[name]).T)})
    length = len(next(iter(values.values())))
    for step in read.steps:
        x, y = (values[v] if isinstance(v, str) else np.full(length, v) for v in (step.left, step.right))
        width = max(widths[step.left], widths[step.right])
        found.update({f"{step.name}_{name}": column for name, column in _columns(step.operator, x, y, width).items()})
    return found


def _columns(operator: str, x: np.ndarray, y: np.ndarray, width: int) -> dict[str, np.ndarray]:
    kinds = {"+": ("carry", "carries", numbers.carries, 1), "-": ("borrow", "borrows", numbers.borrows, -1)}
    if operator not in kinds:
        return {}
    one, many, function, sign = kinds[operator]
    columns, flags = numbers.digits(x, width) + sign * numbers.digits(y, width), function(x, y, width)
    return {
        **{f"column{i}": columns[:, i] for i in range(width)},
        **{f"{one}{i}": flags[:, i] for i in range(width)},
        many: flags.sum(axis=1),
        "chain": numbers.longest_chain(flags),
    }
