# SPDX-License-Identifier: GPL-2.0
#
# The figures of the report, drawn with matplotlib (Debian package python3-matplotlib).
#
#	import figures
#	figures.bars("out/bars.png", ...)
#
# Each function writes one PNG. All of them are narrow, with letters that can be read
# when a telephone shows them as wide as its screen is; and nothing is told by colour
# alone: bars have hatches, lines have markers and dashes, and the colours are as far
# apart in grey as they are in hue.

import math

import matplotlib
matplotlib.use("Agg")
# pylint: disable=wrong-import-position
from matplotlib import pyplot as plt                # noqa: E402
from matplotlib.patches import Patch, Rectangle     # noqa: E402
from matplotlib.ticker import FuncFormatter         # noqa: E402

# Where the legend is: on top of all panels.
ABOVE = {"loc": "lower center", "bbox_to_anchor": (0.5, 1)}
WIDTH = 4.6                     # inches: at 360 pixels a letter of 10 points has 11
DPI = 200

# One for each series, in this order; from dark to light.
FILLS = (("#1b3a57", ""), ("#e8a33d", "///"), ("#7a9e7e", "..."), ("#c9c4b8", "xxx"),
         ("#a0522d", "\\\\\\"), ("#f4ecd8", "---"))
LINES = (("#1b3a57", "o", "-"), ("#b8660d", "s", "--"), ("#4d7d55", "^", "-."),
         ("#8a8577", "D", ":"), ("#a0522d", "v", (0, (5, 1, 1, 1, 1, 1))),
         ("#333333", "x", (0, (1, 3))))
# What there is in a cell of the region's map.
FREE, CACHED, BARE, FAILED, HOLE = (("#ffffff", ""), ("#dde7ee", ".."), ("#8c96a0", "///"),
                                    ("#000000", ""), ("#f3f3f3", "xx"))
TYPES = (("#1b3a57", ""), ("#e8a33d", "\\\\\\"), ("#5b8a63", "|||"), ("#e3b5ab", "---"),
         ("#9a86b8", "++"), ("#5fa8b5", "oo"))

plt.rcParams.update({
    "font.size": 10, "axes.titlesize": 10, "axes.labelsize": 10, "legend.fontsize": 9,
    "xtick.labelsize": 9, "ytick.labelsize": 9, "hatch.linewidth": 0.7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6,
    "figure.facecolor": "white", "savefig.facecolor": "white",
})


def plain(value, _=None):
    """A number as people write it: 0.5, 20, 1500."""
    if value <= 0:
        return "0"
    return f"{value:,.0f}" if value >= 10 else f"{value:.3g}"


def save(figure, path):
    figure.align_ylabels()
    figure.savefig(path, dpi=DPI, bbox_inches="tight", pad_inches=0.06,
                   metadata={"Software": None})
    plt.close(figure)


def log_axis(axis, values):
    """From the decade below the least to somewhat above the largest."""
    values = [v for v in values if v and v > 0]
    if not values:
        return
    axis.set_yscale("log")
    axis.set_ylim(10 ** math.floor(math.log10(min(values)) - 1e-9), max(values) * 1.6)
    axis.yaxis.set_major_formatter(FuncFormatter(plain))
    # Within little more than a decade that is too few: 2 and 5 as well.
    few = axis.get_ylim()[1] < 25 * axis.get_ylim()[0]
    axis.yaxis.set_minor_formatter(FuncFormatter(
        lambda v, _: plain(v) if few and f"{v:e}"[0] in "25" else ""))


def bars(path, categories, series, xlabel, ylabel):
    """Groups of bars on a logarithmic axis. @series: {name: [value or None, ...]}."""
    figure, axis = plt.subplots(figsize=(WIDTH, 3.3), layout="constrained")
    width = 0.84 / len(series)
    for i, (name, values) in enumerate(series.items()):
        at = [x - 0.42 + width * (i + 0.5) for x in range(len(categories))]
        color, hatch = FILLS[i % len(FILLS)]
        axis.bar(at, [v or 0 for v in values], width, label=name, color=color, hatch=hatch,
                 edgecolor="black", linewidth=0.5)
        for x, value in zip(at, values):
            if value is None:
                axis.text(x, 0.01, "none", rotation=90, fontsize=7, ha="center", va="bottom",
                          transform=axis.get_xaxis_transform())
    axis.set_xticks(range(len(categories)), categories)
    axis.grid(visible=False, axis="x")
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    log_axis(axis, [v for values in series.values() for v in values])
    figure.legend(**ABOVE, ncols=2, frameon=False)
    save(figure, path)


def curves(path, panels, categories, ylabel):
    """
    A panel below the other, lines over named points in each, all of them alike on a
    logarithmic axis. @panels: {title: {name: [value or None, ...]}}.
    """
    figure, axes = plt.subplots(len(panels), 1, figsize=(WIDTH, 0.7 + 1.75 * len(panels)),
                                sharex=True, squeeze=False, layout="constrained")
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    for axis, (title, panel) in zip(axes[:, 0], panels.items()):
        axis.set_title(title, loc="left", fontweight="bold")
        for name, values in panel.items():
            color, marker, dash = LINES[names.index(name) % len(LINES)]
            seen = [(i, v) for i, v in enumerate(values) if v is not None]
            axis.plot([i for i, _ in seen], [max(v, 0.1) for _, v in seen], color=color,
                      marker=marker, linestyle=dash, label=name, markersize=5)
        log_axis(axis, [max(v, 0.1) for values in panel.values() for v in values
                        if v is not None])
        axis.set_ylabel(ylabel)
        axis.set_xticks(range(len(categories)), categories)
        axis.margins(x=0.06)
    handles, labels = [], []
    for axis in axes[:, 0]:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            if label not in labels:
                handles.append(handle)
                labels.append(label)
    figure.legend(handles, labels, **ABOVE, ncols=2, frameon=False,
                  handlelength=3.4)
    save(figure, path)


def over_time(path, panels, xlabel):
    """
    Panels over one axis of events. @panels: {ylabel: {name: [(x, y), ...]}}; an ylabel
    that ends in % runs from 0 to 100, others are logarithmic.
    """
    figure, axes = plt.subplots(len(panels), 1, figsize=(WIDTH, 0.8 + 2.1 * len(panels)),
                                sharex=True, squeeze=False, layout="constrained")
    for axis, (ylabel, panel) in zip(axes[:, 0], panels.items()):
        for i, (name, points) in enumerate(panel.items()):
            color, marker, dash = LINES[i % len(LINES)]
            every = max(1, len(points) // 8)
            # Markers of different series are not upon each other.
            axis.plot([x for x, _ in points], [y for _, y in points], color=color,
                      marker=marker, linestyle=dash, label=name, markersize=4.5,
                      markevery=(i * every // max(1, len(panel)), every), linewidth=1.3)
        if ylabel.endswith("%"):
            axis.set_ylim(0, 104)
        else:
            log_axis(axis, [y for points in panel.values() for _, y in points])
        axis.set_ylabel(ylabel)
        axis.xaxis.set_major_formatter(FuncFormatter(
            lambda x, _: f"{x / 1e6:g} M" if x >= 1e6 else f"{x / 1e3:g} k" if x >= 1e3
            else f"{x:g}"))
    axes[-1, 0].set_xlabel(xlabel)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), **ABOVE,
                  ncols=2, frameon=False, handlelength=3.4)
    save(figure, path)


def kind_of(cell):
    """What most of a cell is: a state, or the name of a type with type: before it."""
    if cell.get("quarantined"):
        return "quarantined"
    parts = {kind: cell.get(kind, 0) for kind in ("free", "cached", "bare", "hole")}
    parts.update({"type:" + name: n for name, n in cell["types"].items()})
    return max(parts, key=parts.get)


def region(path, pictures, types):
    """
    Maps of the region below each other. @pictures: {title: what "potadctl map --json"
    says}; @types: the names of all types, which look the same in each.
    """
    looks = {"free": FREE, "cached": CACHED, "bare": BARE, "quarantined": FAILED, "hole": HOLE}
    for i, name in enumerate(types):
        looks["type:" + name] = TYPES[i % len(TYPES)]
    tall = {title: math.ceil(len(p["cells"]) / p["cells_in_a_row"])
            for title, p in pictures.items()}
    figure, axes = plt.subplots(
        len(pictures), 1, figsize=(WIDTH, 0.7 + sum(0.35 + 0.075 * n for n in tall.values())),
        height_ratios=list(tall.values()), squeeze=False, layout="constrained")
    met = set()
    for axis, (title, picture) in zip(axes[:, 0], pictures.items()):
        columns, rows = picture["cells_in_a_row"], tall[title]
        begun = None
        kinds = [kind_of(cell) for cell in picture["cells"]]
        met.update(kinds)
        # Neighbours of one kind in a row are one rectangle: then a hatch has room.
        for i, kind in enumerate(kinds):
            begun = i if begun is None else begun
            if i + 1 < len(kinds) and kinds[i + 1] == kind and (i + 1) % columns:
                continue
            color, hatch = looks[kind]
            axis.add_patch(Rectangle((begun % columns, begun // columns), i + 1 - begun, 1,
                                     facecolor=color, hatch=hatch, edgecolor="black",
                                     linewidth=0))
            begun = None
        axis.set_xlim(0, columns)
        axis.set_ylim(rows, 0)
        axis.grid(False)
        axis.set_xticks([])
        axis.set_yticks([0.5, rows - 0.5] if rows > 1 else [0.5],
                        [picture["cells"][0]["address"],
                         picture["cells"][(rows - 1) * columns]["address"]][:rows],
                        fontsize=7)
        for spine in axis.spines.values():
            spine.set_visible(True)
        axis.set_title(title, loc="left", fontweight="bold")
    names = {"bare": "without a type", "quarantined": "some quarantined", "hole": "hole",
             "type:compare": "described"}
    figure.legend(handles=[Patch(facecolor=color, hatch=hatch, edgecolor="black", linewidth=0.5,
                                 label=names.get(kind, kind.split(":")[-1]))
                           for kind, (color, hatch) in looks.items()
                           if kind in met or kind in ("free", "cached")],
                  **ABOVE, ncols=3, frameon=False)
    save(figure, path)
