"""How strain energy divides into stretching, bending and torsion (``--fields``)."""

from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from cli.terminal.facts import ORDER
from cli.terminal.tables import block, plain

if TYPE_CHECKING:
    from fem_reference.beam.solution import BeamFields

Facts = dict[str, Any]
KINDS = {"stretching": "axial", "bending, shear": "bending", "torsion": "torsion"}


def energy_facts(fields: "BeamFields", b: int) -> Facts:
    """Energy density of lattice ``b`` under the unit strains, and shares in the eigenmodes of C."""
    import torch

    parts = {kind: getattr(fields, kind)[b].detach() for kind in KINDS.values()}
    values, modes = torch.linalg.eigh(sum(parts.values(), torch.zeros(6, 6).double()))
    shares = {
        kind: ((modes * (part @ modes)).sum(0) / values).tolist() for kind, part in parts.items()
    }
    return {
        "energy": {kind: (0.5 * part.diagonal()).tolist() for kind, part in parts.items()},
        "modes": {"stiffness": values.tolist(), **shares},
    }


def energy_blocks(facts: Facts, rank: int) -> list[RenderableType]:
    """Return two tables: under the unit strains, and in the eigenmodes of C."""
    energy, modes = facts["energy"], facts["modes"]
    totals = [sum(energy[kind][k] for kind in KINDS.values()) for k in range(6)]
    under_strain = {
        label: [_percent(e / t) if t else "-" for e, t in zip(energy[kind], totals, strict=True)]
        for label, kind in KINDS.items()
    }
    under_strain["dominated by"] = [
        _dominant(e / t) if t else "-" for e, t in zip(energy["axial"], totals, strict=True)
    ]
    carries = [k >= 6 - rank for k in range(6)]  # the others cost nothing
    in_modes = {"stiffness/E_s": [f"{x:.4g}" for x in modes["stiffness"]]}
    for label, kind in KINDS.items():
        in_modes[label] = [
            _percent(x) if c else "-" for x, c in zip(modes[kind], carries, strict=True)
        ]
    in_modes["dominated by"] = [
        _dominant(x) if c else "-" for x, c in zip(modes["axial"], carries, strict=True)
    ]
    numbers = ["softest", *(str(k) for k in range(2, 6)), "stiffest"]
    return [
        _block("Strain energy under unit strains, others held at 0", ORDER.split(), under_strain),
        _block("Strain energy in the eigenmodes of C", numbers, in_modes),
    ]


def _block(title: str, heads: list[str], rows: dict[str, list[str]]) -> RenderableType:
    table = plain()
    table.show_header = True
    table.add_column(style="cyan", no_wrap=True)
    for head in heads:
        table.add_column(Text(head, style="cyan", justify="right"), justify="right", no_wrap=True)
    for label, cells in rows.items():
        table.add_row(label, *cells)
    return block(title, table)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _dominant(axial_share: float) -> str:
    return "stretch" if axial_share > 0.5 else "bend"
