"""What pages are made of: pictures inside the page, tables, numbers as text."""

from __future__ import annotations

import base64
import html
import io
import json
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#222}table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left}"
    "img{max-width:100%}"
)


def figure_of(width: float = 7, height: float = 4) -> Figure:
    """An empty figure, in inches.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("the report needs matplotlib: run  pip install matplotlib") from None
    return Figure(figsize=(width, height), layout="constrained")


def image(figure: Figure, caption: str) -> str:
    """The figure as a PNG inside of the page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,{data}"></figure>'


def table_of_pairs(rows: list[tuple[str, Any]]) -> str:
    """A table of names and values."""
    cells = (f"<tr><th>{html.escape(k)}</th><td>{html.escape(_text(v))}</td></tr>" for k, v in rows)
    return f"<table>{''.join(cells)}</table>"


def number_text(value: float) -> str:
    """Six digits; a value without meaning is a dash."""
    return "–" if value != value else f"{value:.6g}"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return number_text(value)
    return value if isinstance(value, str) else json.dumps(value)
