"""From a cubic net of mean connectivity 4.4: halve Young's modulus along one axis, keep the rest.

The task of Grega et al., ICLR 2024, arXiv 2401.16914. Writes soft_axis.png: polar cuts of E of
start, target, design by the search, and design by the reference.
"""

import argparse
import json

import lattice_gnn as lg
from data.populations.nets import NetSampling, sample_net
from viz.cuts import cuts_figure

CUBIC = NetSampling(systems=(("cubic", 1.0),), nodes=(6, 24), connectivity=(4.35, 4.45))


def soften(C: lg.Stiffness) -> lg.Stiffness:
    """Double the compliance S_3333, and keep every other compliance."""
    S = C.compliance().clone()
    S[2, 2] *= 2.0
    return lg.Stiffness.from_compliance_mandel(S)


def main(quick: bool = False) -> None:
    """Design by the joint network, verified by solid FEM; or quickly by beam FEM."""
    net = sample_net(CUBIC, seed=7, index=4).with_relative_density(0.1)
    C = (lg.homogenise(net) if quick else lg.predict(net)).stiffness
    target = soften(C)
    settings = lg.DesignSettings(max_steps=150, radius_bounds=(0.03, 0.1), voxels_per_diameter=12)
    result = lg.optimise(
        net,
        target=target,
        vary=("nodes", "radii", "cell_shape"),
        subject_to=[lg.misfit(target) <= 0.05, lg.clearance >= 0.02],
        keep_symmetry=False,
        fidelity="beam" if quick else "solid",
        refine=0 if quick else 2,
        settings=settings,
    )
    print(f"mean connectivity {2 * net.num_struts / net.num_nodes:.2f}", result, sep="\n")
    names = ("start", "target", "design by the search", f"design by {result.reference.method} FEM")
    tensors = (C, target, result.stiffness, result.reference.stiffness)
    for name, tensor in zip(names, tensors, strict=True):
        E = [tensor.young_modulus(axis).item() for axis in ([1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0])]
        print(f"{name:22} E_1, E_2, E_3 = " + ", ".join(f"{value:.6f}" for value in E))
    cuts_figure(list(zip(names, tensors, strict=True))).savefig("soft_axis.png")
    facts = {
        "misfit_reference": float(lg.relative_frobenius(result.reference.stiffness, target)),
        "axial_ratio_reference": E[2] / C.young_modulus([0.0, 0, 1]).item(),  # E of the reference
        "error_of_reference": result.reference.error,
        "verdict": str(result.verdict),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="by beam FEM")
    main(parser.parse_args().quick)
