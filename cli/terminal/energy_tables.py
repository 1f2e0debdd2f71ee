"""Tables of the split of strain energy into stretching, bending and torsion (``--fields``)."""

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from cli.terminal.tables import block, columns

if TYPE_CHECKING:
    from lattice_gnn.reports.homogenisation import EnergyShares, HomogenisationReport, ModeFacts

KINDS = {"stretching": "axial", "bending, shear": "bending", "torsion": "torsion"}


def energy_blocks(report: "HomogenisationReport") -> list[RenderableType]:
    """Return two tables, under the unit strains and in the eigenmodes of C; none without fields."""
    if report.energy is None or report.modes is None:
        return []
    numbers = ["softest", *(str(k) for k in range(2, 6)), "stiffest"]
    order = report.stiffness.order.split()
    under_strain = _under_strain(report.energy)
    in_modes = _in_modes(report.modes)
    return [
        _block("Strain energy under unit strains, others zero", order, under_strain),
        _block("Strain energy in the eigenmodes of C", numbers, in_modes),
    ]


def _under_strain(energy: "EnergyShares") -> dict[str, list[str]]:
    parts = {name: getattr(energy, kind) for name, kind in KINDS.items()}
    totals = [sum(part[k] for part in parts.values()) for k in range(6)]
    rows = {
        name: [_share(e / total) if total else "-" for e, total in zip(part, totals, strict=True)]
        for name, part in parts.items()
    }
    rows["dominated by"] = [
        _dominant(e / total) if total else "-"
        for e, total in zip(energy.axial, totals, strict=True)
    ]
    return rows


def _in_modes(modes: "ModeFacts") -> dict[str, list[str]]:
    rows = {"stiffness/E_s": [f"{x:.4g}" for x in modes.stiffness]}
    for name, kind in KINDS.items():
        rows[name] = ["-" if x is None else _share(x) for x in getattr(modes, kind)]
    rows["dominated by"] = ["-" if x is None else _dominant(x) for x in modes.axial]
    return rows


def _block(title: str, heads: list[str], rows: dict[str, list[str]]) -> RenderableType:
    table = columns("", heads)
    for name, cells in rows.items():
        table.add_row(Text(name, style="cyan"), *cells)
    return block(title, table)


def _share(share: float) -> str:
    return f"{100 * share:.2f} %"


def _dominant(axial_share: float) -> str:
    return "stretch" if axial_share > 0.5 else "bend"
