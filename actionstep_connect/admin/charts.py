"""Small charts for inline SVG: positions and words, and the same numbers as a table."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from actionstep_connect.admin.condition import Tone

# In units of the viewBox; the template draws in the same.
WIDTH = 360
TOP, HEIGHT = 14, 80
#: So that one in a hundred thousand is still seen.
LEAST = 3.0


class Column(NamedTuple):
    """One place on the axis: what it stands for, and the numbers above and below the line."""

    label: str
    text: str
    above: int
    below: int = 0
    tone: Tone = Tone.OK


class Bar(NamedTuple):
    """One rectangle. Numbers are text already: a template would write them as its language does."""

    x: str
    y: str
    width: str
    height: str
    tone: Tone
    text: str


class Tick(NamedTuple):
    """Words below the axis, at a share of its length."""

    share: float
    text: str

    @property
    def x(self) -> str:
        """Return where they stand."""
        return _units(self.share * WIDTH)

    @property
    def anchor(self) -> str:
        """Return which end of them stands there, so that they stay within the frame."""
        if self.share < 0.25:
            return "start"
        return "end" if self.share > 0.75 else "middle"


class Chart(NamedTuple):
    """A chart in words, in rectangles and as a table. `peak` says how much the highest bar is."""

    name: str
    title: str
    summary: str
    peak: str
    ticks: Sequence[Tick]
    heads: tuple[str, ...]
    columns: Sequence[Column]

    @property
    def bars(self) -> list[Bar]:
        """Return the rectangles, up and down from the line by one scale."""
        step, line, scale = WIDTH / len(self.columns), self._line(), self._scale()
        bars = []
        for number, column in enumerate(self.columns):
            place: dict[str, Any] = {
                "x": _units(number * step + step * 0.1),
                "width": _units(step * 0.8),
                "text": column.text,
            }
            if column.above:
                height = max(column.above * scale, LEAST)
                y = _units(line - height)
                bars.append(Bar(y=y, height=_units(height), tone=column.tone, **place))
            if column.below:
                height = max(column.below * scale, LEAST)
                bars.append(Bar(y=_units(line), height=_units(height), tone=Tone.ERROR, **place))
        return bars

    @property
    def line(self) -> str:
        """Return where the line is from which bars rise."""
        return _units(self._line())

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """Return the table, without the columns that hold nothing."""
        return [
            (column.label, column.above, column.below)[: len(self.heads)]
            for column in self.columns
            if column.above or column.below
        ]

    def _scale(self) -> float:
        return (HEIGHT - 2 * LEAST) / max(self._most_above() + self._most_below(), 1)

    def _line(self) -> float:
        below = max(self._most_below() * self._scale(), LEAST if self._most_below() else 0)
        return TOP + HEIGHT - below

    def _most_above(self) -> int:
        return max(column.above for column in self.columns)

    def _most_below(self) -> int:
        return max(column.below for column in self.columns)


def _units(value: float) -> str:
    return f"{value:.1f}"
