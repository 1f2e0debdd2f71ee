"""Four measured tensors of trabecular bone, 21 constants each, matched by printable lattices."""

import json
import sys
from pathlib import Path

import lattice_gnn as lg
from lattice_gnn.design.target_file import read_target

TENSORS = Path(__file__).parents[1] / "data" / "samples" / "targets" / "trabecular_bone.json"
E_S = 45.0  # Young's modulus of the solid, GPa: about that of magnesium alloys
SEARCH = {"bone_1": (2, 0.02), "bone_2": (3, 0.02), "bone_3": (2, 0.02), "bone_4": (11, 0.016)}
"""Seed and smallest radius of each: the search is local, and some starts end above 2 %."""


def design(name: str, quick: bool) -> tuple[lg.Stiffness, lg.DesignResult]:
    """Change an octet, without keeping its symmetry, until it has the stiffness of a bone."""
    target = lg.Stiffness.from_voigt(read_target(f"{TENSORS}:{name}", E_S))
    seed, thinnest = SEARCH[name]
    # The trace of C is at most the density, for struts that are stretched only.
    octet = lg.cell("octet", relative_density=1.6 * float(target.mandel.trace()))
    return target, lg.optimise(
        octet,
        target=target,
        vary=("nodes", "radii", "cell_shape"),
        subject_to=[lg.misfit(target) <= 0.02, lg.clearance >= 0.015, lg.joint_angle >= 20],
        keep_symmetry=False,
        fidelity="beam" if quick else "solid",
        refine=0 if quick else 3,
        seed=seed,
        settings=lg.DesignSettings(
            max_steps=250,
            radius_bounds=(thinnest, 0.085),
            move=0.4,
            strain=0.5,
            reference_tolerance=1e-6,
            voxels_per_diameter=6,
        ),
    )


def main(quick: bool = False) -> None:
    """Design all four by the joint network, verified by solid FEM; or one of them by beam FEM."""
    print("tensor  density  misfit: search, reference   error of the reference  verdict")
    facts: dict[str, float] = {"E_s": E_S}
    for name in ("bone_3",) if quick else SEARCH:
        target, result = design(name, quick)
        found = result.reference
        misfit = float(lg.relative_frobenius(found.stiffness, target))
        error = 100 * (found.error or 0.0)
        row = f"{100 * result.objective.value:11.2f} %{100 * misfit:10.2f} %{error:22.2f} %"
        print(f"{name}  {result.lattice.relative_density:7.4f}{row}  {result.verdict}", flush=True)
        facts[f"misfit_reference_{name}"] = misfit
        facts[f"error_of_reference_{name}"] = found.error or 0.0
    print(json.dumps(facts))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
