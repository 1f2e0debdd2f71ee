"""What beam theory leaves out: the material of the joints, felt as soon as struts are thick."""

import lattice_gnn as lg


def main(radii: tuple[float, ...] = (0.06, 0.1, 0.15)) -> None:
    """Compare beams with the solid on BCC cells of growing radius (edge 1, struts 0.87)."""
    print("  radius  density   E beam  E solid  too soft by  grid errors: C, softest mode")
    softness = []
    for radius in radii:
        bcc = lg.cell("bcc", radius=radius)
        beam = lg.homogenise(bcc)
        solid = lg.homogenise(bcc, method="solid", voxels_per_diameter=8)
        E, E_solid = (x.stiffness.young_modulus([1.0, 0.0, 0.0]) for x in (beam, solid))
        softness.append(float(1 - E / E_solid))
        found = solid.solution
        density = found.volume_fraction  # of the union: joints count once
        moduli = f"{E:9.5f}{E_solid:9.5f}{softness[-1]:13.1%}"
        print(f"{radius:8.2f}{density:9.3f}{moduli}{found.error:16.1%}{found.softest_error:14.1%}")
        if radius > 0.1:
            print(f"         beam FEM warns: {beam.warnings[0]}")
            assert "slenderness" in [warning.kind for warning in beam.warnings]
        assert found.softest_error < 0.25  # E along a cube axis is BCC's softest mode
    assert softness == sorted(softness), "beams are worse for thicker struts"
    assert 0.5 < softness[-1] < 0.65  # 56 % at radius 0.15


if __name__ == "__main__":
    main()
