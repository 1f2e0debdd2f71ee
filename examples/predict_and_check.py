"""Predict the stiffness of named cells, and check each against solid FEM; beams are beside it."""

import lattice_gnn as lg

CELLS = ("octet", "bcc", "kelvin", "diamond")
DENSITY = 0.1


def main(voxels: int = 6) -> None:
    """Print the errors side by side; that of the network is what it says to expect."""
    steel = lg.Material(E=200.0, nu=0.3)  # GPa
    lattices = [lg.cell(name, relative_density=DENSITY).replace(material=steel) for name in CELLS]
    predictions = lg.predict(lattices)
    beams = lg.homogenise(lattices, method="beam")
    solids = lg.homogenise(lattices, method="solid", voxels_per_diameter=voxels)

    print(f"{'cell':10}{'E network':>12}{'E solid FEM':>14}{'error':>9}{'bound':>9}{'beams':>9}")
    for ours, beam, solid in zip(predictions, beams, solids, strict=True):
        E, E_ref = (x.in_units().young_modulus([1.0, 0.0, 0.0]) for x in (ours, solid))
        error = float(lg.relative_frobenius(ours.stiffness, solid.stiffness))
        of_beams = float(lg.relative_frobenius(beam.stiffness, solid.stiffness))
        bound = ours.expected_error.p90
        print(
            f"{ours.lattice.name:10}{E:8.3f} GPa{E_ref:10.3f} GPa"
            f"{error:9.2%}{bound:9.2%}{of_beams:9.2%}"
        )
        assert ours.in_domain
        assert error < bound + solid.error
        assert error < of_beams / 3


if __name__ == "__main__":
    main()
