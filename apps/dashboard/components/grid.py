"""One AG Grid: sortable, filterable columns, keyboard navigation, single selection."""

from __future__ import annotations

import dash_ag_grid as dag


def grid(name: str, columns: list[dict], rows: list[dict], key: str, *, height: int) -> dag.AgGrid:
    """Return a grid of `rows` with row ids from the field `key`."""
    return dag.AgGrid(
        id=name,
        columnDefs=columns,
        rowData=rows,
        getRowId=f"String(params.data.{key})",
        defaultColDef={"sortable": True, "filter": True, "resizable": True, "flex": 1, "minWidth": 84},
        dashGridOptions={
            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
            "suppressCellFocus": False,
            "animateRows": False,
            "rowHeight": 30,
            "headerHeight": 32,
            "enableCellTextSelection": True,
            "theme": {"function": "themeQuartz.withPart(colorSchemeVariable)"},
        },
        style={"height": f"{height}px", "width": "100%"},
    )
