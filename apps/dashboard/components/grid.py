"""One AG Grid: sortable, filterable columns, keyboard navigation, single selection."""

from __future__ import annotations

import dash_ag_grid as dag

THEME = (
    "themeQuartz.withParams({spacing: 5, fontSize: 12.5, headerFontSize: 12.5, "
    "fontFamily: 'inherit', backgroundColor: 'var(--card)', foregroundColor: 'var(--text)', "
    "headerBackgroundColor: 'var(--card)', borderColor: 'var(--line)', wrapperBorderRadius: 4})"
)

# a column with its filter under its name, and no button beside the name
FILTERED = {
    "filter": True,
    "floatingFilter": True,
    "suppressHeaderFilterButton": True,
    "suppressFloatingFilterButton": True,
    "suppressHeaderMenuButton": True,
}


def grid(
    name: str,
    columns: list[dict],
    rows: list[dict],
    key: str,
    *,
    height: str,
    column: dict | None = None,
    flex: bool = False,
    chosen: str | None = None,
) -> dag.AgGrid:
    """Return a grid of `rows` with row ids from the text field `key`; `column` holds defaults of every column."""
    return dag.AgGrid(
        id=name,
        columnDefs=columns,
        selectedRows={"ids": [chosen]} if chosen else [],
        rowData=rows,
        getRowId=f"params.data.{key}",
        defaultColDef={"sortable": True, "resizable": True, **(column or {})},
        dashGridOptions={
            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
            "suppressCellFocus": False,
            "animateRows": False,
            "rowHeight": 28,
            "headerHeight": 32,
            "enableCellTextSelection": True,
            "theme": {"function": THEME},
        },
        style={"width": "100%", **({"flex": f"1 1 {height}", "minHeight": height} if flex else {"height": height})},
    )
