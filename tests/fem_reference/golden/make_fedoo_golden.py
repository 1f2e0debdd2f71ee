"""Make ``fedoo.json``: periodic stiffnesses from fedoo, an independent beam code.

For development only. fedoo (GPL) is imported neither by the package nor by its tests, which read
the numbers stored here. From the repository root, in an environment of its own::

    pip install fedoo==1.1.0 jaxtyping
    PYTHONPATH=. python tests/fem_reference/golden/make_fedoo_golden.py

fedoo wants box-shaped cells whose boundary nodes occur on both faces. So every strut is cut where
it leaves the cell, and each node on the boundary gets all its images; neither changes the
stiffness. Rigid motion is barred by the mean displacement: fedoo's default also holds the rotations
of one node, which is too stiff. Its shear strains are ordered xy, xz, yz.
"""

import itertools
import json
from pathlib import Path

import fedoo
import numpy as np

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import lattice_to_dict
from lattice_gnn.lattice.lattice import Lattice

NU = 0.3
ORDER = [0, 1, 2, 5, 4, 3]  # fedoo's 11 22 33 12 13 23 to ours
ON_FACE = 1e-9


def asymmetric_cell(seed):
    """Random nodes in a box, joined at random; radii, bores and moduli differ."""
    generator = np.random.default_rng(seed)
    count = 4
    sides = np.array([1.0, 0.8, 1.3]) * generator.uniform(0.9, 1.1, 3)
    nodes = (
        np.array([[0.2, 0.2, 0.2], [0.7, 0.7, 0.2], [0.7, 0.2, 0.7], [0.2, 0.7, 0.7]])
        + generator.uniform(-0.12, 0.12, (count, 3))
    )  # fmt: skip
    rows = [(0, 1, 0, 0, 0), (1, 2, 0, 0, 0), (2, 3, 0, 0, 0), (3, 0, 0, 0, 0)]
    rows += [(1, 0, 1, 0, 0), (2, 0, 0, 1, 0), (3, 1, 0, 0, 1), (0, 0, 0, 0, 1)]
    for _ in range(4):
        i, j = generator.choice(count, 2, replace=False)
        rows.append((int(i), int(j), *(int(x) for x in generator.integers(0, 2, 3))))
    rows = np.array(list(dict.fromkeys(rows)))
    pairs = {tuple(sorted([(i, j, *s), (j, i, *(-np.array(s)))])) for i, j, *s in rows.tolist()}
    rows = np.array(sorted(min(pair) for pair in pairs))
    radii = generator.uniform(0.02, 0.06, len(rows))
    bores = radii * generator.uniform(0.2, 0.8, len(rows)) * (generator.random(len(rows)) < 0.5)
    return Lattice(
        cell=np.diag(sides),
        nodes=nodes,
        struts=rows[:, :2],
        shifts=rows[:, 2:],
        radii=radii,
        inner_radii=bores,
        E=generator.uniform(0.5, 2.0, len(rows)),
        name=f"asymmetric-{seed}",
    )


def boxed(lattice):
    """Points, pieces of struts between them, and the strut of each piece, all inside one cell."""
    numbers, points = {}, []
    pieces, owners = [], []

    def number(x):
        x = np.where(np.abs(x - np.round(x)) < ON_FACE, np.round(x), x)
        key = tuple((np.round(x, 9) + 0.0).tolist())
        if key not in numbers:
            numbers[key] = len(points)
            points.append(x)
        return numbers[key]

    for strut, (i, j) in enumerate(lattice.struts):
        start, end = lattice.nodes[i], lattice.nodes[j] + lattice.shifts[strut]
        cuts = {0.0, 1.0}
        for a in range(3):
            low, high = sorted((start[a], end[a]))
            for plane in range(int(np.floor(low)) + 1, int(np.ceil(high))):
                cuts.add(float((plane - start[a]) / (end[a] - start[a])))
        cuts = sorted(cuts)
        cuts = [s for k, s in enumerate(cuts) if k == 0 or s - cuts[k - 1] > ON_FACE]
        for s, t in itertools.pairwise(cuts):
            one, two = start + s * (end - start), start + t * (end - start)
            home = np.floor((one + two) / 2 + ON_FACE)
            pieces.append((number(one - home), number(two - home)))
            owners.append(strut)
    for x in list(points):
        on_face = [a for a in range(3) if min(abs(x[a]), abs(x[a] - 1)) < ON_FACE]
        for image in itertools.product((0.0, 1.0), repeat=len(on_face)):
            moved = x.copy()
            moved[on_face] = image
            number(moved)
    return np.array(points) @ lattice.cell, np.array(pieces), np.array(owners)


def stiffness(lattice, element):
    """Homogenised stiffness of a box-shaped cell, Mandel, order 11 22 33 23 13 12."""
    points, pieces, owners = boxed(lattice)
    fedoo.Problem.get_all().clear()
    space = fedoo.ModelingSpace("3D")
    mesh = fedoo.Mesh(points, pieces, "lin2")
    r = lattice.radii[owners]
    bore = np.zeros_like(r) if lattice.inner_radii is None else lattice.inner_radii[owners]
    E = np.ones_like(r) if lattice.E is None else lattice.E[owners]
    m2 = (bore / r) ** 2
    cowper = 6 * (1 + NU) * (1 + m2) ** 2 / ((7 + 6 * NU) * (1 + m2) ** 2 + (20 + 12 * NU) * m2)
    shear = 0 if element == "euler-bernoulli" else cowper
    area, inertia = np.pi * (r**2 - bore**2), np.pi / 4 * (r**4 - bore**4)
    section = fedoo.constitutivelaw.BeamProperties(
        fedoo.constitutivelaw.ElasticIsotrop(1.0, NU),
        E * area,
        E * 2 * inertia,
        E * inertia,
        E * inertia,
        shear,
    )
    form = fedoo.weakform.BeamEquilibrium(section, space=space)
    assembly = fedoo.Assembly.create(form, mesh, "beam")
    C = fedoo.homogen.get_homogenized_stiffness(assembly, rigid_body_constraint="mean")
    mandel = np.sqrt([1.0, 1, 1, 2, 2, 2])
    return np.asarray(C)[np.ix_(ORDER, ORDER)] * mandel[:, None] * mandel


def main():
    """Write the cells and their two stiffnesses."""
    lattices = [cell(name, radius=0.03) for name in ("bcc", "octet", "kelvin", "diamond")]
    lattices += [asymmetric_cell(seed) for seed in (0, 1, 3)]
    entries = []
    for lattice in lattices:
        entry = {"lattice": lattice_to_dict(lattice)}
        for element in ("euler-bernoulli", "timoshenko"):
            entry[element] = stiffness(lattice, element).tolist()
        entries.append(entry)
    content = {
        "made_with": f"fedoo {fedoo.__version__}, rigid_body_constraint='mean'",
        "notation": "Mandel, order 11 22 33 23 13 12, C / E_s",
        "cells": entries,
    }
    path = Path(__file__).with_name("fedoo.json")
    path.write_text(json.dumps(content, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
