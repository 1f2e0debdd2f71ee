"""Beam solutions as documents."""

from collections.abc import Sequence
from typing import cast

import torch

from fem_reference.beam.solution import BeamFields, BeamSolution
from lattice_gnn.lattice.findings import warnings
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.reports.homogenisation import (
    EnergyShares,
    HomogenisationReport,
    MethodFacts,
    ModeFacts,
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
    """Documents of a batch that was solved as beams.

    Args:
        lattices: The lattices.
        solution: Their solution.
        element: Beam theory that was used.
        origins: Where the lattices come from.
        thorough: Also sample the union of the struts and look for findings.
    """
    stiffness = solution.stiffness
    definite = [b for b in range(len(lattices)) if solution.rank[b] == 6]
    moduli: dict[int, Moduli | None] = {}
    if definite:
        moduli = dict(zip(definite, moduli_facts(stiffness[definite,]), strict=True))
    reports = []
    for b, lattice in enumerate(lattices):
        fields = solution.fields
        energy, modes = (None, None) if fields is None else energy_facts(fields, b)
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
                condition=None if fields is None else float(fields.condition[b]),
                energy=energy,
                modes=modes,
            )
        )
    return reports


def energy_facts(fields: BeamFields, b: int) -> tuple[EnergyShares, ModeFacts]:
    """Energy density of lattice ``b`` under the unit strains, and shares in the eigenmodes of C."""
    parts = {
        kind: getattr(fields, kind)[b].detach().cpu() for kind in ("axial", "bending", "torsion")
    }
    values, modes = torch.linalg.eigh(parts["axial"] + parts["bending"] + parts["torsion"])
    energy = {kind: _six(0.5 * part.diagonal()) for kind, part in parts.items()}
    shares = {kind: _six((modes * (part @ modes)).sum(0) / values) for kind, part in parts.items()}
    return EnergyShares(**energy), ModeFacts(stiffness=_six(values), **shares)


def _six(values: torch.Tensor) -> Six:
    return cast(Six, tuple(values.tolist()))
