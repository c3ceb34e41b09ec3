# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Draws how many findings a line of images had over time, as a picture that stands in the page itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from xml.etree import ElementTree

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 160, 36, 22, 8, 90

# What is drawn, the worst at the bottom of the stack, in colours that also differ in brightness.
SERIES = (("critical", "#7a0019"), ("high", "#d1495b"), ("medium", "#edae49"), ("low", "#66a182"))


def picture(points: Sequence[Mapping[str, Any]]) -> str:
    """Return an SVG element: areas stacked by severity over days."""
    rows = [point for point in points if _day(point) is not None]
    svg = ElementTree.Element(
        "svg",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        xmlns="http://www.w3.org/2000/svg",
    )
    title = ElementTree.SubElement(svg, "title")
    title.text = f"Findings over {len(rows)} days"
    highest = max([1, *(sum(_count(row, name) for name, _colour in SERIES) for row in rows)])
    _axes(svg, rows, highest)
    base = [0] * len(rows)
    for name, colour in SERIES:
        top = [low + _count(row, name) for low, row in zip(base, rows, strict=True)]
        if any(high > low for high, low in zip(top, base, strict=True)):
            upper = [_at(rows, place, high, highest) for place, high in enumerate(top)]
            lower = [_at(rows, place, low, highest) for place, low in enumerate(base)]
            # A single day has no width; it is drawn as a bar.
            if len(rows) == 1:
                (across, high), (_same, low) = upper[0], lower[0]
                upper, lower = [(across, high), (across + 6, high)], [(across, low), (across + 6, low)]
            corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*upper, *reversed(lower)])
            ElementTree.SubElement(svg, "polygon", points=corners, fill=colour)
        base = top
    _legend(svg, rows)
    return ElementTree.tostring(svg, encoding="unicode")


def _day(point: Mapping[str, Any]) -> date | None:
    try:
        return date.fromisoformat(str(point.get("day")))
    except ValueError:
        return None


def _count(point: Mapping[str, Any], name: str) -> int:
    value = point.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _at(rows: Sequence[Mapping[str, Any]], place: int, count: int, highest: int) -> tuple[float, float]:
    days = [day for row in rows if (day := _day(row)) is not None]
    span = max(1, (days[-1] - days[0]).days)
    across = (days[place] - days[0]).days / span
    return (
        LEFT + across * (WIDTH - LEFT - RIGHT),
        HEIGHT - BOTTOM - count / highest * (HEIGHT - BOTTOM - TOP),
    )


def _text(svg: ElementTree.Element, across: float, down: float, said: str, anchor: str = "start") -> None:
    element = ElementTree.SubElement(svg, "text", x=f"{across:.0f}", y=f"{down:.0f}")
    element.attrib |= {"text-anchor": anchor, "font-size": "11"}
    element.text = said


def _axes(svg: ElementTree.Element, rows: Sequence[Mapping[str, Any]], highest: int) -> None:
    ground = HEIGHT - BOTTOM
    ElementTree.SubElement(
        svg,
        "path",
        d=f"M{LEFT} {TOP}V{ground}H{WIDTH - RIGHT}",
        stroke="currentColor",
        fill="none",
    )
    _text(svg, LEFT - 4, TOP + 8, str(highest), "end")
    _text(svg, LEFT - 4, ground, "0", "end")
    if rows:
        _text(svg, LEFT, HEIGHT - 6, str(_day(rows[0])))
    if len(rows) > 1:
        _text(svg, WIDTH - RIGHT, HEIGHT - 6, str(_day(rows[-1])), "end")


def _legend(svg: ElementTree.Element, rows: Sequence[Mapping[str, Any]]) -> None:
    for place, (name, colour) in enumerate(reversed(SERIES)):
        down = TOP + 14 * place
        across = WIDTH - RIGHT + 8
        ElementTree.SubElement(svg, "rect", x=str(across), y=str(down), width="9", height="9", fill=colour)
        latest = _count(rows[-1], name) if rows else 0
        _text(svg, across + 13, down + 9, f"{name} {latest}")
