"""Line charts as SVG text: light or dark as the reader's system is, the same bytes for the same points."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 74, 150, 52, 62
LIGHT = ["#0b62a4", "#c2510c", "#00795a", "#a23b7c", "#59636e"]
DARK = ["#5cb3f2", "#f0a04b", "#3fc99b", "#e08ec0", "#a3adb8"]
LABEL_STEP = 16   # least distance of two labels, in pixels
LABEL_ROOM = 100  # a series that ends so far from the edge has its name above its end


class Axis:
    """A direction of the chart: `low` and `high` are its ends, `ticks` (value, text)."""

    def __init__(self, title, low, high, ticks, logarithmic=False):
        self.title, self.low, self.high = title, low, high
        self.ticks, self.logarithmic = ticks, logarithmic

    def part(self, value):
        """Where a value lies, 0 to 1."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def log_axis(title, values, ticks=None):
    """From the least to the largest value; without `ticks`, at 1, 3 and 10 of each decade around them."""
    if min(values) <= 0:
        raise ValueError(f"{min(values)} has no place on the axis `{title}`")
    if ticks is None:
        steps = [factor * 10**decade for decade in range(-9, 12) for factor in (1, 3)]
        low = max(step for step in steps if step <= min(values))
        high = min(step for step in steps if step >= max(values))
        ticks = [step for step in steps if low <= step <= high]
    return Axis(title, min(ticks + values), max(ticks + values),
                [(tick, short_text(tick)) for tick in ticks], True)


def linear_axis(title, most):
    """From zero, in four to ten round steps."""
    step = next(factor * 10**decade for decade in range(9) for factor in (1, 2, 5)
                if factor * 10**decade * 10 >= most)
    top = step * math.ceil(most / step)
    return Axis(title, 0, top, [(value, short_text(value)) for value in range(0, top + 1, step)])


def short_text(value):
    """10000 as 10 k."""
    for size, letter in ((10**6, " M"), (10**3, " k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def style():
    def rules(back, ink, faint, colours):
        lines = [f".back {{ fill: {back} }}", f"text {{ fill: {ink} }}",
                 f".grid {{ stroke: {faint} }}"]
        for i, colour in enumerate(colours):
            lines += [f".s{i} {{ stroke: {colour} }}", f".m{i} {{ fill: {colour} }}",
                      f"text.t{i} {{ fill: {colour} }}"]
        return "\n".join("  " + line for line in lines)
    return ("<style>\n"
            "  text { font: 13px system-ui, sans-serif }\n"
            "  text.title { font-size: 16px; font-weight: 600 }\n"
            "  .grid { stroke-width: 1 }\n"
            "  .line { fill: none; stroke-width: 2.2 }\n"
            + rules("#ffffff", "#1f2328", "#d8dee4", LIGHT)
            + "\n  @media (prefers-color-scheme: dark) {\n"
            + rules("#0d1117", "#e6edf3", "#30363d", DARK)
            + "\n  }\n</style>")


def marker(index, x, y):
    shapes = ["M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", "M-4,-4h8v8h-8z", "M0,-5.5l5.5,5.5l-5.5,5.5l-5.5,-5.5z",
              "M0,-5l5,9h-10z", "M-5,-1.5h10v3h-10z"]
    return f'<path class="m{index}" d="{shapes[index]}" transform="translate({x:.1f},{y:.1f})"/>'


def apart(places):
    """Moves labels down until none covers another; [(y, index)]."""
    moved, last = {}, -math.inf
    for y, index in sorted(places):
        last = max(y, last + LABEL_STEP)
        moved[index] = last
    return moved


def line_chart(title, x_axis, y_axis, series):
    """series: [(name, [(x, y), ...])], at most five; names stand behind the last points."""
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x, y):
        return LEFT + wide * x_axis.part(x), TOP + high * (1 - y_axis.part(y))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
           f'aria-label="{escape(title, {chr(34): "&quot;"})}">', style(),
           f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>',
           f'<text class="title" x="{LEFT}" y="28">{escape(title)}</text>']
    for value, text in y_axis.ticks:
        _, y = place(x_axis.low, value)
        out += [f'<path class="grid" d="M{LEFT},{y:.1f}h{wide}"/>',
                f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>']
    for value, text in x_axis.ticks:
        x, _ = place(value, y_axis.low)
        out += [f'<path class="grid" d="M{x:.1f},{TOP}v{high}"/>',
                f'<text x="{x:.1f}" y="{TOP + high + 20}" text-anchor="middle">{escape(text)}</text>']
    out += [f'<text x="{LEFT + wide / 2:.1f}" y="{HEIGHT - 16}" text-anchor="middle">'
            f'{escape(x_axis.title)}</text>',
            f'<text transform="translate(20,{TOP + high / 2:.1f}) rotate(-90)" '
            f'text-anchor="middle">{escape(y_axis.title)}</text>']
    ends = []
    for index, (_, points) in enumerate(series):
        placed = [place(x, y) for x, y in points]
        path = "L".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        out.append(f'<path class="line s{index}" d="M{path}"/>')
        out += [marker(index, x, y) for x, y in placed]
        ends.append((placed[-1][1], index))
    moved = apart(ends)
    for index, (name, points) in enumerate(series):
        x, y = place(*points[-1])
        at = (f'x="{x + 10:.1f}" y="{moved[index] + 4:.1f}"' if x > LEFT + wide - LABEL_ROOM
              else f'x="{x - 2:.1f}" y="{y - 10:.1f}" text-anchor="end"')
        out.append(f'<text class="t{index}" {at}>{escape(name)}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"
