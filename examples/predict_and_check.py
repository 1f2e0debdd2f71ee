"""Predict the stiffness of named cells by the network, and check each against beam FEM."""

import lattice_gnn as lg

CELLS = ("octet", "bcc", "kelvin", "diamond")
DENSITY = 0.05


def main() -> None:
    """Print both answers side by side; the error is what the model says to expect."""
    steel = lg.Material(E=200.0, nu=0.3)  # GPa
    lattices = [lg.cell(name, relative_density=DENSITY).replace(material=steel) for name in CELLS]
    predictions = lg.predict(lattices)
    references = lg.homogenise(lattices, method="beam")

    print(f"{'cell':10}{'E network':>12}{'E beam FEM':>12}{'difference':>12}{'expected':>12}")
    for prediction, reference in zip(predictions, references, strict=True):
        E, E_ref = (x.in_units().young_modulus([1.0, 0.0, 0.0]) for x in (prediction, reference))
        error = lg.relative_frobenius(prediction.stiffness, reference.stiffness)
        expected = prediction.expected_error
        print(
            f"{prediction.lattice.name:10}{E:8.3f} GPa{E_ref:8.3f} GPa{error:12.2%}"
            f"{expected.median:12.2%}"
        )
        assert prediction.in_domain
        assert error < 2 * expected.p90

    # Octet: E = rho E_s / 9 along the cube axes while struts only stretch (Deshpande et al. 2001).
    octet = references[0].stiffness.young_modulus([1.0, 0.0, 0.0])
    assert abs(octet / (DENSITY / 9) - 1) < 0.1


if __name__ == "__main__":
    main()
