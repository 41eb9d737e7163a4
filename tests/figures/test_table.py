"""Tables as figures: every entry is there, and the figure is high enough for wrapped text."""

from __future__ import annotations

import pandas as pd

from interp.figures.table import table

SHORT = pd.DataFrame({"task": ["a+b", "a-b"], "kept": ["1.000", "0.5"]})


def test_entries_and_title_are_in_the_figure() -> None:
    figure = table(SHORT, "What is kept").to_dict()
    assert figure["layout"]["title"]["text"] == "What is kept"
    (drawn,) = figure["data"]
    assert list(drawn["header"]["values"]) == ["<b>task</b>", "<b>kept</b>"]
    assert [list(column) for column in drawn["cells"]["values"]] == [["a+b", "a-b"], ["1.000", "0.5"]]


def test_the_figure_grows_with_rows_and_with_wrapped_text() -> None:
    height = table(SHORT, "t").to_dict()["layout"]["height"]
    longer = pd.concat([SHORT, SHORT])
    assert table(longer, "t").to_dict()["layout"]["height"] > height
    wrapped = SHORT.assign(kept=["word " * 60, "0.5"])
    assert table(wrapped, "t").to_dict()["layout"]["height"] >= height + 2 * 15


def test_a_column_is_as_wide_as_its_longest_word() -> None:
    narrow = pd.DataFrame({"claim": ["alternatives"], "published": ["many words " * 30]})
    share = table(narrow, "t").to_dict()["data"][0]["columnwidth"]
    assert share[0] >= len("alternatives")
    assert share[1] < len("many words " * 30)


def test_a_table_without_rows_is_drawn() -> None:
    assert table(SHORT[:0], "nothing").to_dict()["layout"]["height"] > 0
