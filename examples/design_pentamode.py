"""A pentamode: one stiff mode, at least 1,000 times as stiff as the next, from random starts."""

import json
import sys

import numpy as np
import torch

import lattice_gnn as lg

CELL = 30.0  # mm
THINNEST = lg.PRINT_PROCESSES["lpbf-ti64"].smallest_diameter.value / 2 / CELL


def softness(C: torch.Tensor) -> torch.Tensor:
    """Sum of the five soft eigen-stiffnesses over the stiff one, which is smooth."""
    stiff = torch.linalg.eigvalsh(C)[:, 5]
    return C.diagonal(dim1=1, dim2=2).sum(1) / stiff - 1


def main(quick: bool = False) -> None:
    """Start from random displacements and radii of the diamond net; keep what can be printed."""
    settings = lg.DesignSettings(
        radius_bounds=(THINNEST, 0.05), perturbation=0.4, max_steps=60 if quick else 100
    )
    result = lg.optimise(
        lg.cell("diamond", radius=0.02),
        minimise=lg.stiffness_function(softness, "softness"),
        subject_to=[lg.radius_to_length <= 0.1],
        keep_symmetry=False,
        starts=4 if quick else 12,
        settings=settings,
    )
    values = result.reference.stiffness.eigenvalues().numpy()
    print(result, *result.notes, sep="\n")
    facts = {
        "eigenvalue_ratio_reference": float(values[5] / values[4]),
        "smallest_diameter_mm": float(2 * CELL * result.lattice.radii.min()),
        "bulk_modulus_reference": result.reference.stiffness.bulk_modulus().item(),
        "feasible_starts": int(np.size(result.starts)),
        "status": str(result.status),
        "verdict": str(result.verdict),
    }
    if not quick:  # the thinnest struts take 4 voxels across, the fewest that are possible
        solid = lg.homogenise(result.lattice, method="solid", voxels_per_diameter=4)
        values = solid.stiffness.eigenvalues().numpy()
        facts["eigenvalue_ratio_solid"] = float(values[5] / values[4])
        facts["error_of_solid"] = solid.error
    print(json.dumps(facts))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
