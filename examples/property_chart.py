"""Chart of all named cells: how stiffness grows with density, and how directional it is.

Stretching carries load in proportion to density, E ~ rho; bending makes E ~ rho^2 (Gibson and
Ashby). The exponent between two low densities tells which of them limits a cell: the Reuss average
follows the soft directions, so that BCC, stiff along <111> alone, counts as bending.
"""

import math
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import lattice_gnn as lg

DENSITIES = (0.005, 0.01)


def main(picture: Path = Path("property_chart.png")) -> None:
    """Print a table, draw Young's modulus over density."""
    names = lg.cell_names()
    sets = [lg.homogenise([lg.cell(x, relative_density=d) for x in names]) for d in DENSITIES]
    figure, axes = plt.subplots(figsize=(7, 5))
    exponents = {}
    print(f"{'cell':24}{'E/E_s':>10}{'G/E_s':>10}{'A_U':>9}{'exponent':>10}")
    for name, *pair in zip(names, *sets, strict=True):
        low, high = (result.stiffness for result in pair)
        E = [float(C.young_modulus(average="reuss")) for C in (low, high)]
        exponents[name] = math.log(E[1] / E[0]) / math.log(DENSITIES[1] / DENSITIES[0])
        G, A = high.shear_modulus(average="reuss"), high.universal_anisotropy()
        print(f"{name:24}{E[1]:10.2e}{G:10.2e}{A:9.3g}{exponents[name]:10.2f}")
        axes.loglog(DENSITIES, E, marker="o", label=name)
    axes.set(xlabel="relative density", ylabel="Young's modulus / E_s, Reuss average")
    axes.legend(fontsize=6, ncols=2)
    figure.savefig(picture, dpi=120)
    plt.close(figure)

    assert abs(exponents["octet"] - 1) < 0.05  # stretches
    assert abs(exponents["kelvin"] - 2) < 0.05  # bends
    assert abs(exponents["bcc"] - 2) < 0.05


if __name__ == "__main__":
    main()
