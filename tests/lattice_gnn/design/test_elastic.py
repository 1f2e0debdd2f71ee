"""Quantities of the stiffness: closed forms, invariances and derivatives."""

import math

import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.design import elastic
from lattice_gnn.design.geometric import relative_density
from lattice_gnn.design.state import DesignState
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.stiffness import Stiffness

OCTET = cell("octet", relative_density=0.1)
BATCH = LatticeBatch.from_lattices([OCTET.perturbed(0.05, seed=seed) for seed in (1, 2)])
TRICLINIC = homogenise_beam(BATCH).stiffness.mandel.detach()
TARGET = Stiffness.cubic(0.02, 0.01, 0.006)

QUANTITIES = [
    elastic.E([1, 2, -1]),
    elastic.G([1, 0, 0], [0, 1, 1]),
    elastic.poisson([1, 0, 0], [0, 1, 0]),
    elastic.average_modulus("young", "reuss"),
    elastic.bulk_modulus,
    elastic.shear_modulus,
    elastic.universal_anisotropy,
    elastic.zener,
    elastic.distance("isotropic"),
    elastic.distance("cubic"),
    elastic.eigenvalue_ratio(5),
    elastic.eigenvalue(1),
    elastic.hashin_shtrikman("young"),
    elastic.poisson_max,
    elastic.poisson_min,
    elastic.misfit(TARGET),
    elastic.components(TARGET),
    elastic.stiffness_function(lambda C: torch.linalg.det(100 * C), "det"),
    elastic.E([0, 0, 1]) / relative_density,
]


def of(quantity, C):
    """Evaluate for one tensor."""
    batch = LatticeBatch.from_lattices([OCTET])
    return quantity(DesignState(batch, C.mandel[None]))[0]


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.name)
def test_the_derivative_is_that_of_central_differences(quantity):
    generator = torch.Generator().manual_seed(0)
    direction = torch.randn(2, 6, 6, generator=generator, dtype=torch.float64)
    direction = 0.01 * (direction + direction.mT) * TRICLINIC.abs().amax()
    weights = torch.randn(2, quantity.size or 1, generator=generator, dtype=torch.float64)

    def value(step):
        return (weights * quantity(DesignState(BATCH, TRICLINIC + step * direction))).sum()

    step = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(value(step), step)
    h = 1e-3
    difference = (value(torch.tensor(h)) - value(torch.tensor(-h))) / (2 * h)
    assert slope.item() == pytest.approx(difference.item(), rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.name)
def test_a_batch_gives_the_values_of_its_lattices(quantity):
    together = quantity(DesignState(BATCH, TRICLINIC))
    alone = torch.cat([quantity(DesignState(BATCH[b], TRICLINIC[b : b + 1])) for b in (0, 1)])
    assert torch.allclose(together, alone, rtol=1e-9, atol=0)


def test_moduli_of_an_isotropic_solid():
    C = Stiffness.isotropic(0.02, 0.3)
    assert of(elastic.E([1, 1, 0]), C).item() == pytest.approx(0.02)
    assert of(elastic.G([1, 1, 0], [0, 0, 1]), C).item() == pytest.approx(0.02 / 2.6)
    assert of(elastic.poisson([1, 1, 0], [0, 0, 1]), C).item() == pytest.approx(0.3)
    assert of(elastic.bulk_modulus, C).item() == pytest.approx(0.02 / 1.2)
    assert of(elastic.shear_modulus, C).item() == pytest.approx(0.02 / 2.6)
    assert of(elastic.zener, C).item() == pytest.approx(1.0)
    assert of(elastic.universal_anisotropy, C).item() == pytest.approx(0.0, abs=1e-12)
    assert of(elastic.distance("isotropic"), C).item() == pytest.approx(0.0, abs=1e-12)


def test_the_zener_ratio_of_a_cubic_tensor():
    assert of(elastic.zener, Stiffness.cubic(3.0, 1.0, 0.5)).item() == pytest.approx(0.5)


def test_quantities_of_material_axes_are_named_by_them():
    axes = torch.tensor([[1.0, 1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    R = (axes / axes.norm(dim=1, keepdim=True)).mT
    turned = Stiffness.cubic(3.0, 1.0, 0.5).rotated(R)
    along, best = elastic.zener_in(axes), elastic.distance("cubic", axes)
    assert of(along, turned).item() == pytest.approx(0.5)
    assert of(elastic.zener, turned).item() != pytest.approx(0.5, rel=0.1)
    assert of(best, turned).item() == pytest.approx(0.0, abs=1e-12)
    assert along.name == "zener[110][-1 1 0][001]"
    assert best.name == "distance[cubic][110][-1 1 0][001]"
    assert elastic.misfit(TARGET, name="misfit of the core").name == "misfit of the core"


def test_eigenvalue_ratios_of_a_cubic_tensor():
    # Kelvin's eigen-stiffnesses: C11 + 2 C12 once, C11 - C12 twice, 2 C44 three times.
    C = Stiffness.cubic(3.0, 1.0, 0.5)
    ratios = [of(elastic.eigenvalue_ratio(k), C).item() for k in range(1, 6)]
    assert ratios == pytest.approx([1.0, 1.0, 2.0, 1.0, 2.5])


@pytest.mark.parametrize(("E", "nu"), [(1.0, 0.3), (0.5, -0.6), (2.0, 0.0)])
def test_extreme_poisson_ratios_of_an_isotropic_solid_are_its_own_within_the_stated_error(E, nu):
    C = Stiffness.isotropic(E, nu)
    error = math.log(elastic.GRID + 13) / elastic.SHARPNESS
    assert nu <= of(elastic.poisson_max, C).item() <= nu + 1.01 * error
    assert nu - 1.01 * error <= of(elastic.poisson_min, C).item() <= nu


def test_extreme_poisson_ratios_are_those_of_the_global_search():
    error = math.log(elastic.GRID + 13) / elastic.SHARPNESS
    exact = Stiffness(TRICLINIC).extrema("nu")
    state = DesignState(BATCH, TRICLINIC)
    assert torch.allclose(elastic.poisson_max(state)[:, 0], exact.max, atol=error, rtol=0)
    assert torch.allclose(elastic.poisson_min(state)[:, 0], exact.min, atol=error, rtol=0)


def test_the_misfit_of_a_full_target_is_the_relative_frobenius_distance_in_any_frame():
    C, R = (
        Stiffness(TRICLINIC[0]),
        torch.tensor([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]]),
    )
    R = R.to(torch.float64)
    distance = ((C - TARGET).norm() / TARGET.norm()).item()
    assert of(elastic.misfit(TARGET), C).item() == pytest.approx(distance)
    assert of(elastic.misfit(TARGET.rotated(R)), C.rotated(R)).item() == pytest.approx(distance)
    assert of(elastic.components(TARGET), C).norm().item() == pytest.approx(distance)


def test_free_components_of_a_target_do_not_count():
    nan = math.nan
    voigt = torch.full((6, 6), nan, dtype=torch.float64)
    voigt[0, 0], voigt[0, 1], voigt[1, 0] = 0.02, 0.01, 0.01
    assert of(elastic.misfit(voigt), TARGET).item() == pytest.approx(0.0, abs=1e-15)
    assert elastic.components(voigt).size == 2
    other = Stiffness.cubic(0.03, 0.01, 0.001)
    size = math.sqrt(0.02**2 + 2 * 0.01**2)
    assert of(elastic.misfit(voigt), other).item() == pytest.approx(0.01 / size)


def test_the_fraction_of_the_hashin_shtrikman_bound_at_the_bound_is_one():
    from lattice_gnn.design.geometric import volume_fraction
    from lattice_gnn.tensors.bounds import upper_bounds

    state = DesignState(LatticeBatch.from_lattices([OCTET]))
    bounds = upper_bounds(volume_fraction(state)[0, 0])
    K, G = bounds.bulk_hashin_shtrikman.item(), bounds.shear_hashin_shtrikman.item()
    C = Stiffness.cubic(K + 4 * G / 3, K - 2 * G / 3, G)
    for modulus in ("bulk", "shear", "young"):
        assert of(elastic.hashin_shtrikman(modulus), C).item() == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: elastic.E([0, 0, 0]), "length zero"),
        (lambda: elastic.E([1, 0]), "shape"),
        (lambda: elastic.E(["x", "y", "z"]), "must be numbers"),
        (lambda: elastic.poisson([1, 0, 0], [-2, 0, 0]), "parallel"),
        (lambda: elastic.average_modulus("bulk", "mean"), "voigt, reuss, hill"),
        (lambda: elastic.distance("fancy"), "isotropic, cubic"),
        (lambda: elastic.eigenvalue_ratio(6), "1 to 5"),
        (lambda: elastic.hashin_shtrikman("nu"), "bulk, shear or young"),
        (lambda: elastic.misfit(torch.eye(5)), "6x6"),
        (lambda: elastic.misfit(torch.triu(torch.ones(6, 6))), "symmetric"),
        (lambda: elastic.misfit(torch.full((6, 6), math.nan)), "prescribes no"),
        (lambda: elastic.misfit(-torch.eye(6)), "positive definite"),
    ],
)
def test_wrong_arguments_are_refused_with_a_reason(call, message):
    with pytest.raises(LatticeGnnError, match=message):
        call()
