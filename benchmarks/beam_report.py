"""Results of ``beam.py`` as Markdown tables and a plot, written into the docs."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from pages import DOCS, table, write_section

Figures = Mapping[str, Any]


def markdown(figures: Figures) -> str:
    """Return tables of all measurements."""
    machine = figures["machine"]
    where = f"{machine['threads']} CPU thread(s), {machine['processor']}, torch {machine['torch']}"
    where += f", {machine['cuda']}" if machine["cuda"] else ", no CUDA device"
    where += f"; {machine['load']:.1f} processes were running"
    parts = [f"Measured in one run on {where}.", _throughput(figures["throughput"], machine)]
    parts += [_paths(figures["paths"]), _memory(figures["memory"])]
    if "crossover" in figures:
        rows = [
            (f"{r['nodes']:.0f}", *(f"{r[way]:.2f}" if way in r else "" for way, _ in _WAYS))
            for r in figures["crossover"]
        ]
        heads = [f"{title}, CPU ms per cell" for _, title in _WAYS]
        parts.append(table(("nodes", *heads), rows))
    if "scaling" in figures:
        rows = [
            (
                f"{r['nodes']:,}",
                f"{r['wall_s']:.3g}",
                f"{r['added_mb']:.0f}",
                f"{r['difference_from_unit_cell']:.1e}",
            )
            for r in figures["scaling"]
        ]
        heads = ("nodes", "wall time, s", "memory, MB", "difference from the unit cell")
        parts.append(table(heads, rows))
    return "\n\n".join(parts)


_WAYS = (("kernel_ms", "kernel"), ("dense_ms", "dense batches"), ("sparse_ms", "sparse"))


def _paths(figures: Figures) -> str:
    """Return the comparison of kernel and torch, and the kernel's distance from its floor."""
    rows = [
        (
            row["task"],
            f"{row['torch']:.1f}",
            f"{row['kernel']:.1f}",
            f"{row['torch'] / row['kernel']:.1f}",
        )
        for row in figures["rows"]
    ]
    tasks = {row["task"]: row["kernel"] for row in figures["rows"]}
    alone = tasks["C, solve alone"]
    ratios = (
        tasks["C and its gradient"] / alone,
        tasks["C, end forces and their gradient"] / tasks["C and end forces"],
    )
    return "\n\n".join(
        [
            "CPU microseconds per cell by torch and by the compiled kernel, run alternately:",
            table(("what", "torch", "kernel", "ratio"), rows),
            f"The two differ by {figures['median_difference']:.0e} (median) and "
            f"{figures['largest_difference']:.0e} (largest). With its gradient C takes "
            f"{ratios[0]:.2f} times as long as alone; end forces with theirs "
            f"{ratios[1]:.2f} times. The arithmetic of a cell, {figures['operations']:,.0f} "
            "operations, would take "
            f"{figures['floor']:.1f} us at the rate of a large matrix product: the kernel takes "
            f"{alone / figures['floor']:.1f} times that.",
        ]
    )


def _memory(rows: Iterable[Figures]) -> str:
    return (
        "Memory beyond the batch: "
        + ", ".join(f"{row['added_mb']:.0f} MB for {row['cells']:,.0f} cells" for row in rows)
        + "."
    )


def _throughput(figures: Figures, machine: Figures) -> str:
    cells = (
        f"{figures['cells']} cells ({machine['source']}), {figures['nodes']:.1f} nodes and "
        f"{figures['struts']:.1f} struts on average:"
    )
    kinds = {
        "solve_alone": "this solver, solve alone",
        "from_lattices": "this solver, from `Lattice` objects",
        "solve_alone_cuda": "this solver on CUDA, solve alone",
    }
    rows = [
        (title, f"{figures[kind]['cells_per_s']:,.0f}", f"{figures[kind]['cpu_ms']:.3g}", "", "")
        for kind, title in kinds.items()
        if kind in figures
    ]
    rows += [
        (
            oracle["name"],
            f"{oracle['cells_per_s']:,.1f}",
            f"{oracle['cpu_ms']:.3g}",
            f"{oracle['ratio_wall']:,.0f} ({oracle['ratio_cpu']:,.0f})",
            f"{oracle['largest_difference']:.0e}",
        )
        for oracle in figures["oracles"]
    ]
    heads = (
        "code", "cells/s", "CPU ms per cell", "we are faster by, wall (CPU)", "largest difference",
    )  # fmt: skip
    notes = [f"{oracle['name']}: {oracle['note']}." for oracle in figures["oracles"]]
    notes += [f"{sentence}." for sentence in figures["skipped"]]
    return "\n\n".join([cells, table(heads, rows), " ".join(notes)]).strip()


def update_docs(figures: Figures) -> None:
    """Write the tables into their section of the page, and the plot beside it."""
    write_section("beam", markdown(figures), DOCS / "beam-reference.md")
    if "scaling" in figures:
        draw_scaling(figures, DOCS / "images" / "beam-scaling.png")


def draw_scaling(figures: Figures, path: Path) -> None:
    """Plot time and memory over the number of nodes, and dense against sparse at the crossover."""
    figure = Figure(figsize=(11.5, 4), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    time, memory, cross = figure.subplots(1, 3)
    rows = figures["scaling"]
    nodes = [row["nodes"] for row in rows]
    time.plot(nodes, [row["wall_s"] for row in rows], "o-", color="#2b4fd8", label="wall")
    time.plot(nodes, [row["cpu_s"] for row in rows], "x--", color="#75808c", label="CPU")
    large = [row for row in rows if row["nodes"] >= 300]
    if large:
        last = large[-1]
        for power, style in ((1, ":"), (2, "-.")):
            line = [last["wall_s"] * (row["nodes"] / last["nodes"]) ** power for row in large]
            ends = [row["nodes"] for row in large]
            time.plot(ends, line, style, color="0.7", label=f"slope {power}")
    time.set(xscale="log", yscale="log", xlabel="nodes", ylabel="s", title="one cell, time")
    time.legend(frameon=False)
    added = [max(row["added_mb"], 1) for row in rows]
    memory.plot(nodes, added, "o-", color="#2b4fd8")
    memory.set(xscale="log", yscale="log", xlabel="nodes", ylabel="MB", title="one cell, memory")
    rows = figures["crossover"]
    for (way, title), colour in zip(_WAYS, ("#2b4fd8", "#e8743b", "#3aa76d"), strict=True):
        line = [(r["nodes"], r[way]) for r in rows if way in r]
        cross.plot(*zip(*line, strict=True), "o-", color=colour, label=title)
    cross.set(
        xscale="log", yscale="log", xlabel="nodes", ylabel="CPU ms per cell", title="crossover"
    )
    ticks = [12, 48, 192, 768]
    cross.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    cross.minorticks_off()
    cross.legend(frameon=False)
    for axes in (time, memory, cross):
        axes.grid(color="0.92")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path)
