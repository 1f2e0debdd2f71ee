"""Isotropic sc + bcc: the ratio of radii, which tends to 1.2408, and what the solid adds."""

import json
import sys

import numpy as np

import lattice_gnn as lg
from lattice_gnn.tensors.bounds import upper_bounds


def start(density: float) -> lg.Lattice:
    """Put the struts of sc and bcc into one cell, with radii of ratio 1.5."""
    bcc = lg.cell("bcc", radius=0.1)
    return bcc.replace(
        struts=[*bcc.struts, [0, 0], [0, 0], [0, 0]],
        shifts=[*bcc.shifts, *np.eye(3, dtype=int)],
        radii=[0.1] * 8 + [0.15] * 3,
    ).with_relative_density(density)


def design(density: float, **how: object) -> lg.DesignResult:
    """Find the stiffest isotropic mixture of a density."""
    lattice = start(density)
    bounds = (lattice.radii.min() / 3, lattice.radii.max() * 3)
    return lg.optimise(
        lattice,
        maximise=lg.E([1, 0, 0]),
        vary="radii",
        subject_to=[lg.zener == 1, lg.relative_density <= density],
        settings=lg.DesignSettings(radius_bounds=bounds, digits=5, reference_tolerance=1e-3),
        **how,
    )


def main(quick: bool = False) -> None:
    """Design by beams at falling density, then by the joint network, verified by solid FEM."""
    print("density  fidelity  r_sc/r_bcc  Zener - 1  E/(rho/6)  K/(rho/9)  G/(rho/15)")
    facts = {}
    thick = () if quick else ((0.1, "solid"), (0.2, "solid"))
    for rho, fidelity in (*((10.0**-k, "beam") for k in (1, 2, 3, 4)), *thick):
        result = design(rho, fidelity=fidelity, refine=0 if fidelity == "beam" else 4)
        C, radii = result.reference.stiffness, result.lattice.radii
        zener, E = C.zener(np.eye(3)).item(), C.young_modulus([1.0, 0, 0]).item()
        K, G = C.bulk_modulus().item(), C.shear_modulus().item()
        row = f"{radii[-1] / radii[0]:12.4f}{zener - 1:11.1e}{6 * E / rho:11.3f}"
        print(f"{rho:7g}  {fidelity:8}{row}{9 * K / rho:11.3f}{15 * G / rho:12.3f}")
        if fidelity == "solid":
            bound = float(upper_bounds(rho).young_hashin_shtrikman)
            facts[f"solid_over_axial_{rho:g}"] = 6 * E / rho
            facts[f"axial_over_bound_{rho:g}"] = rho / 6 / bound
            facts[f"zener_solid_{rho:g}"] = zener
        else:
            facts |= {"radius_ratio": float(radii[-1] / radii[0]), "zener_reference": zener}
    print(json.dumps(facts))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
