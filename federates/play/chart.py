"""What each hour cost a group, beside the best and beside doing nothing: an SVG of bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640.0, 240.0, 56.0, 28.0, 12.0
_STEPS = 4


def cost_chart(hours: Sequence[dict[str, Any]]) -> Markup:
    """Return bars of ``cost_usd`` and ``best_usd`` for each hour, and a mark where ``idle_usd`` lies; all may be None."""
    values = [row[key] or 0.0 for row in hours for key in ("cost_usd", "best_usd", "idle_usd")]
    most = _round_up(max([*values, 1.0]))
    room = (_WIDTH - _LEFT) / max(len(hours), 1)

    def y(usd: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1.0 - max(usd, 0.0) / most)

    parts = [_line(usd, y(usd)) for usd in (most * step / _STEPS for step in range(_STEPS + 1))]
    for number, row in enumerate(hours):
        left = _LEFT + number * room
        for kind, shift in (("best_usd", 0.16), ("cost_usd", 0.5)):
            if row[kind] is not None:
                top = y(row[kind])
                size = f'x="{left + shift * room:.1f}" y="{top:.1f}" width="{0.3 * room:.1f}" height="{y(0.0) - top:.1f}"'
                parts.append(f'<rect class="{kind}" {size}/>')
        if row["idle_usd"] is not None:
            ends = f'x1="{left + 0.1 * room:.1f}" x2="{left + 0.86 * room:.1f}"'
            parts.append(f'<line class="idle_usd" {ends} y1="{y(row["idle_usd"]):.1f}" y2="{y(row["idle_usd"]):.1f}"/>')
        parts.append(
            f'<text x="{left + 0.48 * room:.1f}" y="{_HEIGHT - 8:.1f}" text-anchor="middle">{escape(row["hour"])}</text>'
        )
    label = "Cost of each hour; the table hour by hour has the numbers"
    head = f'<svg class="chart" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{label}">'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 (numbers, and an escaped text)


def _line(usd: float, y: float) -> str:
    text = f'<text x="{_LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{usd:g}</text>'
    return f'<line class="scale" x1="{_LEFT:g}" x2="{_WIDTH:g}" y1="{y:.1f}" y2="{y:.1f}"/>{text}'


def _round_up(value: float) -> float:
    """Return the next number of 1, 2, 3, 4, 6, 8 or 10 times a power of ten."""
    power = 1.0
    while power * 10.0 < value:
        power *= 10.0
    return next(step * power for step in (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0) if step * power >= value)
