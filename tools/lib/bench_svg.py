# SPDX-License-Identifier: BSD-3-Clause
"""A plain SVG of horizontal bars. By hand, because it is a page of code, needs nothing installed,
and gives the same bytes everywhere.

One grey, of about the same contrast to white as to black, serves for all text and lines: an image
in a page is not told whether the page around it is light or dark."""
import math
from html import escape

WIDTH, EDGE, RIGHT, TOP, BAR, GAP, HEAD, CHARACTER = 760, 16, 150, 70, 15, 5, 27, 8.0
INK, FAINT = "#787878", 0.28
FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', 'Liberation Sans', sans-serif"


class Scale:
    """From values to places across, linear from 0 or logarithmic."""

    def __init__(self, left, values, log):
        self.left, self.log = left, log
        least, most = min((v for v in values if v > 0), default=1), max(values) or 1
        if log:
            self.low, self.high = 10 ** math.floor(math.log10(least)), most * 1.05
            self.ticks = [10.0 ** e for e in range(round(math.log10(self.low)),
                                                   math.floor(math.log10(self.high)) + 1)]
        else:
            self.low, step = 0.0, self.step(most)
            self.high = math.ceil(most / step) * step
            self.ticks = [i * step for i in range(round(self.high / step) + 1)]

    @staticmethod
    def step(most):
        """1, 2 or 5 times a power of ten, so that there are four to ten of it."""
        power = 10.0 ** math.floor(math.log10(most / 4))
        return next(m * power for m in (5, 2, 1) if m * power <= most / 4)

    def at(self, value):
        if self.log:
            part = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            part = value / self.high
        return self.left + part * (WIDTH - self.left - RIGHT)


def text(x, y, what, anchor="start", size=13, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'font-weight="{weight}">{escape(what)}</text>')


def line(x1, y1, x2, y2, width=1.0, more=""):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{INK}" '
            f'stroke-width="{width}"{more}/>')


def short(value):
    for bound, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= bound:
            return f"{value / bound:g}{letter}"
    return f"{value:g}"


def bar(scale, y, b):
    """A bar to the lesser of best sample and median, a line to the other, a diamond at p99. The
    figures stand in a column, where no bar and no line crosses them."""
    begin, near, far = (scale.at(v) for v in (scale.low, *sorted((b["best"], b["median"]))))
    middle, base = y + BAR / 2, y + BAR - 3
    parts = [text(scale.left - 8, base, b["label"], "end"),
             text(WIDTH - EDGE, base, b["value"], "end"),
             f'<rect x="{begin:.1f}" y="{y:.1f}" width="{max(near - begin, 1):.1f}" '
             f'height="{BAR}" fill="{b["colour"]}"/>',
             line(near, middle, far, middle, 1.5),
             line(far, middle - 5, far, middle + 5, 1.5)]
    if b.get("p99") is not None:
        p99 = scale.at(b["p99"])
        parts.append(f'<path d="M{p99 - 5:.1f} {middle:.1f}l5 -5l5 5l-5 5z" fill="{INK}"/>')
    return parts


def axis(scale, bottom, label):
    parts = []
    for value in scale.ticks:
        x = scale.at(value)
        parts.append(line(x, TOP, x, bottom, 1, f' stroke-opacity="{FAINT}"'))
        parts.append(text(x, bottom + 17, short(value), "middle", 12))
    middle = (scale.left + WIDTH - RIGHT) / 2
    return [*parts, text(middle, bottom + 37, label, "middle")]


def bars(title, legend, column, label, groups, rule=None, log=False):
    """groups: [(heading, [{label, best, median, p99 or None, value, colour}])], `value` being what
    the right column says, below the word for it. rule: (value, what it is), a line across."""
    every = [b for _, of in groups for b in of]
    values = [b[k] for b in every for k in ("best", "median", "p99") if b.get(k) is not None]
    left = EDGE + 8 + round(CHARACTER * max(len(b["label"]) for b in every))
    scale = Scale(left, [*values, *([rule[0]] if rule else [])], log)
    y, parts = TOP, []
    for heading, of in groups:
        parts.append(text(EDGE, y + HEAD - 8, heading, weight="600"))
        y += HEAD
        for b in of:
            parts += bar(scale, y, b)
            y += BAR + GAP
    bottom, height = y + 6, y + 54
    over = []
    if rule:
        x = scale.at(rule[0])
        over = [line(x, TOP - 2, x, bottom, 1.5, ' stroke-dasharray="5 4"'),
                text(min(x, WIDTH - EDGE - CHARACTER / 2 * len(rule[1])), TOP - 7, rule[1],
                     "middle", 12)]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="{FONT}" fill="{INK}" role="img">',
        f"<title>{escape(title)}</title>",
        text(EDGE, 24, title, size=16, weight="600"), text(EDGE, 44, legend, size=12),
        text(WIDTH - EDGE, 44, column, "end", 12),
        *axis(scale, bottom, label), *parts, *over, "</svg>"]) + "\n"
