"""Isotropic auxetics: nu <= -0.5 in every direction; then a printed cell matched, much lighter."""

import itertools
import json
import sys

import numpy as np

import lattice_gnn as lg

# One strut of each orbit: edges of an octahedron, links between neighbouring ones.
DRAWN = (((0, 0, 0.35), (0, 0.35, 0)), ((0, 0, 0.35), (0.32, 0.5, 0.5)))
PRINTED_E, PRINTED_NU = 0.00125, -0.281  # printed isotropic cell from the literature


def cubic_net(radius: float) -> lg.Lattice:
    """Apply the 48 operations of Pm-3m to the drawn struts."""
    nodes: dict[tuple[float, ...], int] = {}
    struts = set()
    for axes in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            for ends in DRAWN:
                places = np.array(ends)[:, axes] * signs
                cells = np.floor(places + 1e-9).astype(int)
                keys = [tuple(x) for x in np.round(places - cells, 9).tolist()]
                i, j = (nodes.setdefault(key, len(nodes)) for key in keys)
                shift = cells[1] - cells[0]
                struts.add(min((i, j, *shift.tolist()), (j, i, *(-shift).tolist())))
    pairs, shifts = np.split(np.array(sorted(struts)), [2], axis=1)
    return lg.Lattice(np.eye(3), list(nodes), pairs, shifts, radius, material=lg.Material(nu=0.35))


def main(quick: bool = False) -> None:
    """Design both cells by the joint network and verify them by solid FEM; by beams if quick."""
    nu, E = lg.poisson([1, 0, 0], [0, 1, 0]), lg.E([1, 0, 0])
    shared = [lg.zener == 1, lg.clearance >= 0.02, lg.joint_angle >= 18]
    printed = [nu <= PRINTED_NU, PRINTED_E <= E, *shared]
    bounds = lg.DesignSettings(radius_bounds=(0.02, 0.06), move=0.45, voxels_per_diameter=12)
    how = {"fidelity": "beam"} if quick else {"fidelity": "solid", "refine": 8}
    tasks = [{"maximise": E, "subject_to": [nu <= -0.5, lg.relative_density <= 0.1, *shared]}]
    tasks += [{"minimise": lg.relative_density, "subject_to": printed, "starts": 2}]
    found = [lg.optimise(cubic_net(0.02), settings=bounds, **how, **task) for task in tasks]
    C, D = (result.reference.stiffness for result in found)
    facts = {
        "nu_max_reference": C.extrema("nu").max.item(),
        "zener_reference": C.zener(np.eye(3)).item(),
        "E_reference": [x.young_modulus([1.0, 0, 0]).item() for x in (C, D)],
        "printed_nu": D.extrema("nu").max.item(),
        "density": [result.lattice.relative_density for result in found],
        "verdicts": [str(result.verdict) for result in found],
    }
    print(*found, json.dumps(facts), sep="\n")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
