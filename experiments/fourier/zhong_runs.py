"""How do published training runs divide between clock and pizza? The run table of Zhong et al., read and checked.

    base runs   one ReLU layer of 128 dimensions, one vocabulary, no '=', embeddings of circularity .995 and more

7,784 of the 7,843 rows are complete. Medians are taken by tenth of the attention rate.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

PUBLISHED = Path(__file__).with_name("published") / "zhong.json"
CIRCULAR, SYMMETRIC, IRRELEVANT = 0.995, 0.98, 0.6
Measured = dict[str, tuple[bool, float | None, str]]
"""By claim: whether it holds, the number, and the same in words."""


def runs(path: Path) -> pd.DataFrame:
    """Return the complete rows of the published run table."""
    return pd.read_csv(path).dropna(subset=["distance_irrelevance", "gradient_sim", "circularity"])


def base_runs(table: pd.DataFrame) -> pd.DataFrame:
    """Return the complete runs of the published phase plot."""
    plain = (table.n_layers == 1) & (table.act_fn == "ReLU") & (table.d_model == 128)
    return table.loc[plain & (table.eqn_sign == 0) & (table.diff_vocab == 0) & (table.circularity >= CIRCULAR)]


def phases(base: pd.DataFrame) -> xr.Dataset:
    """Return both measures of every run, their medians by tenth of the attention rate, and how far they agree."""
    tenth = (base.attn_coeff * 10).astype(int)
    medians = base.groupby(tenth)[["distance_irrelevance", "gradient_sim"]].median()
    alike = (base.gradient_sim > SYMMETRIC) == (base.distance_irrelevance < IRRELEVANT)
    data = {
        "attention_rate": ("run", base.attn_coeff.to_numpy()),
        "q": ("run", base.distance_irrelevance.to_numpy()),
        "symmetricity": ("run", base.gradient_sim.to_numpy()),
        "q_median": ("tenth", medians.distance_irrelevance.to_numpy()),
        "symmetricity_median": ("tenth", medians.gradient_sim.to_numpy()),
        "spearman": ((), base.distance_irrelevance.corr(base.gradient_sim, method="spearman")),
        "agreement": ((), float(alike.mean())),
    }
    coords = {
        "run": base.runid.to_numpy(),
        "tenth": medians.index.to_numpy(),
        "middle": ("tenth", medians.index / 10 + 0.05),
    }
    return xr.Dataset(data, coords, {"method": "phase plot", "model": "1l_fixedwidth, p = 59, d_model 128"})


def measured_table(path: Path) -> Measured:
    """Return what the run table says about its claims."""
    table, medians = runs(path), json.loads(PUBLISHED.read_text())["medians"]
    found = phases(base := base_runs(table))
    ours = found[["q_median", "symmetricity_median"]].to_array().sel(tenth=[int(t) for t in medians])
    apart = float(np.abs(ours.values.T - np.array(list(medians.values()))).max())
    rho, agree = float(found.spearman), float(found.agreement)
    return {
        "complete runs": (len(table) == 7784, len(table), f"{len(table):,} of {len(pd.read_csv(path)):,} rows"),
        "base runs": (len(base) == 817, len(base), f"{len(base)} runs"),
        "rank correlation": (rho < -0.5, rho, f"{rho:.4f}, n = {len(base)}"),
        "agreement": (agree > 0.8, agree, f"{agree:.4f}, n = {len(base)}"),
        "phase change": (apart <= 0.0006, apart, f"largest difference of a median {apart:.4f}"),
    }
