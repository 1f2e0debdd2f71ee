"""Documents of beam solutions."""

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fem_reference.beam.solution import BeamFields, BeamSolution
from lattice_gnn.lattice.findings import warnings
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.reports.errors import finite
from lattice_gnn.reports.homogenisation import (
    EnergyShares,
    HomogenisationReport,
    MethodFacts,
    ModeFacts,
    Shares,
)
from lattice_gnn.reports.lattice import MEMORY, Origin, lattice_facts
from lattice_gnn.reports.stiffness import Moduli, Six, moduli_facts, stiffness_facts


def beam_reports(
    lattices: Sequence[Lattice],
    solution: BeamSolution,
    element: str,
    origins: Sequence[Origin] | None = None,
    *,
    thorough: bool = True,
) -> list[HomogenisationReport]:
    """Return the documents of a batch solved by beam FEM.

    Args:
        lattices: The lattices.
        solution: Their beam solution.
        element: Beam theory of the solution.
        origins: Files that the lattices come from.
        thorough: Also sample the union of the struts and list findings.
    """
    stiffness = solution.stiffness
    definite = [b for b in range(len(lattices)) if solution.rank[b] == 6]
    moduli: dict[int, Moduli | None] = {}
    if definite:
        moduli = dict(zip(definite, moduli_facts(stiffness[definite,]), strict=True))
    reports = []
    for b, lattice in enumerate(lattices):
        fields = solution.fields
        energy, modes = (
            (None, None) if fields is None else energy_facts(fields, b, int(solution.rank[b]))
        )
        reports.append(
            HomogenisationReport(
                lattice=lattice_facts(
                    lattice, MEMORY if origins is None else origins[b], thorough=thorough
                ),
                method=MethodFacts("beam FEM", element=element),
                rank=int(solution.rank[b]),
                components=int(solution.components[b]),
                stiffness=stiffness_facts(stiffness[b], lattice.material.E),
                moduli=moduli.get(b),
                warnings=warnings(lattice) if thorough or b not in moduli else (),
                condition=None if fields is None else finite(float(fields.condition[b])),
                energy=energy,
                modes=modes,
            )
        )
    return reports


def energy_facts(fields: BeamFields, b: int, rank: int = 6) -> tuple[EnergyShares, ModeFacts]:
    """Return energy densities of lattice ``b`` under the unit strains and in the eigenmodes of C.

    Args:
        fields: Fields of a batch.
        b: Number of the lattice.
        rank: Rank of its C; the 6 - rank softest modes cost no energy and have no shares.
    """
    parts = {
        kind: getattr(fields, kind)[b].detach().cpu() for kind in ("axial", "bending", "torsion")
    }
    values, modes = torch.linalg.eigh(parts["axial"] + parts["bending"] + parts["torsion"])
    costs = (torch.arange(6) >= 6 - rank) & (values > 0)
    energy = {kind: _six(0.5 * part.diagonal()) for kind, part in parts.items()}
    shares = {
        kind: _shares((modes * (part @ modes)).sum(0) / values, costs)
        for kind, part in parts.items()
    }
    return EnergyShares(**energy), ModeFacts(stiffness=_six(values), **shares)


def _shares(values: Float[Tensor, "6"], known: Bool[Tensor, "6"]) -> Shares:
    found = zip(values.tolist(), known.tolist(), strict=True)
    return cast(Shares, tuple(value if is_known else None for value, is_known in found))


def _six(values: Float[Tensor, "6"]) -> Six:
    return cast(Six, tuple(values.tolist()))
