"""A pentamode: one stiff mode, at least 1,000 times as stiff as the next, from random starts."""

import argparse
import json

import numpy as np

import lattice_gnn as lg

CELL = 30.0  # mm
THINNEST = lg.PRINT_PROCESSES["lpbf-ti64"].smallest_diameter.value / 2 / CELL


def main(quick: bool = False) -> None:
    """Start from random displacements and radii of the diamond net; keep what can be printed."""
    settings = lg.DesignSettings(
        radius_bounds=(THINNEST, 0.05), perturbation=0.4, max_steps=60 if quick else 200
    )
    result = lg.optimise(
        lg.cell("diamond", radius=0.02),
        maximise=lg.bulk_modulus,
        subject_to=[1 / lg.eigenvalue_ratio(5) <= 1e-3, lg.relative_density <= 0.05],
        keep_symmetry=False,
        starts=4 if quick else 16,
        settings=settings,
    )
    values = result.reference.stiffness.eigenvalues().numpy()
    print(result, *result.notes, sep="\n")
    facts = {
        "eigenvalue_ratio_reference": float(values[5] / values[4]),
        "smallest_diameter_mm": float(2 * CELL * result.lattice.radii.min()),
        "bulk_modulus_reference": result.objective.reference,
        "feasible_starts": int(np.size(result.starts)),
        "status": str(result.status),
        "verdict": str(result.verdict),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer starts and steps")
    main(parser.parse_args().quick)
