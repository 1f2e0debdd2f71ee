"""What every architecture of the registry promises, for random weights in float64."""

import re
from functools import cache
from pathlib import Path

import pytest
import torch

from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.checkpoint import load_model, save_model
from lattice_gnn.network.layers.positivity import POSITIVE_MAPS
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.network.registry import build_model, kinds, read_model_config
from lattice_gnn.tensors.notation import rotation_mandel
from lattice_gnn.testing import SAME_STRUCTURE, random_lattice, random_rotation

TINY = {
    "equivariant": {"channels": 2, "hidden": 4, "readout_channels": 2},
    "cgcnn": {"channels": 4, "layers": 2, "head": 4},
    "mcgcnn": {"channels": 4, "layers": 2, "head": 4},
    "nnconv": {"channels": 4, "layers": 2, "hidden": 4, "head": 4},
    "invariant": {"channels": 4, "layers": 2, "hidden": 6, "angular": 2},
    "ridge": {"order": 2},
}
"""Small settings of a kind; a kind that is missing here is tested with its defaults."""

OPTIONS = [
    ("equivariant", {"positive_map": "none"}),
    ("equivariant", {"relaxation": 2, "response_channels": 2, "scalars": 3, "layers": 1}),
    ("equivariant", {"relaxation": 1, "features": "gaussian"}),
    ("cgcnn", {"positive_map": "none", "aggregation": "mean"}),
    ("cgcnn", {"group_average": True}),
    ("mcgcnn", {"positive_map": "square", "edge_updates": False}),
    ("mcgcnn", {"group_average": True, "positive_map": "exp"}),
    ("nnconv", {"gru": True, "positive_map": "exp"}),
    ("nnconv", {"group_average": True, "positive_map": "square"}),
    ("invariant", {"positive_map": "exp"}),
    ("ridge", {"order": 1}),
    ("ridge", {"order": 3}),
]
VARIANTS = [(kind, {}) for kind in kinds()] + OPTIONS
NAMES = [
    "-".join([kind, *(f"{name}={value}" for name, value in options.items())])
    for kind, options in VARIANTS
]
TOLERANCE = 1e-10
VISIBLE = 1e-2
"""A model that claims no equivariance must break it by more than this, relative."""
SLENDER = 1e-2
"""Distance from beam FEM at relative density 1e-8 below which a model tends to it."""
UNTRAINED = {"affine"}

each_model = pytest.mark.parametrize(("kind", "options"), VARIANTS, ids=NAMES)


@cache
def lattices():
    """The first two have no symmetry and struts of various sections."""
    return [
        random_lattice(0, sections=True),
        random_lattice(2, num_nodes=3, sections=True),
        cell("bcc", radius=0.05).perturbed(0.05, seed=1),
        cell("sc", radius=0.04),
    ]


@cache
def normaliser():
    many = [random_lattice(seed, sections=True) for seed in range(8)]
    return Normaliser.fit(LatticeBatch.from_lattices(many))


def make_model(kind, options, *, double=True):
    """Random weights, so large that C is far from what M = 0 would give."""
    torch.manual_seed(0)
    config = read_model_config({"kind": kind, **TINY.get(kind, {}), **options})
    model = build_model(config, normaliser()).eval()
    model = model.double() if double else model
    batch = LatticeBatch.from_lattices(lattices()).simplified()
    with torch.no_grad():
        size = float(model.matrix(model.inputs(batch)).flatten(1).norm(dim=1).mean())
        last = last_weights(model)
        for weight in last:
            weight.mul_(2 / size)
    assert kind in UNTRAINED or last
    return model


def last_weights(model):
    """The last weights before M: scaling them up takes C far from what M = 0 gives."""
    if model.config.kind == "equivariant":
        return [weight for readout in model.readouts for weight in readout.out]
    if model.config.kind in ("ridge", "joints-linear"):
        return list(model.buffers(recurse=False))
    if model.config.kind == "joints":
        return [member.coefficients[-1].weight for member in model.members]
    if model.config.kind == "invariant":
        return [model.isotropic[-1].weight, model.axial[-1].weight]
    return [model.head[-1].weight] if hasattr(model, "head") else []


def predict(model, members):
    return model(LatticeBatch.from_lattices(members)).detach()


def relative(C, expected):
    difference = (C - expected).flatten(1).norm(dim=1)
    return difference / expected.flatten(1).norm(dim=1)


@each_model
def test_a_description_that_means_the_same_gives_the_same_stiffness(kind, options):
    """Node order, strut direction, cell vectors, tiling, uniform scale, translation."""
    model = make_model(kind, options)
    C = predict(model, lattices())
    for name, change in SAME_STRUCTURE.items():
        if name == "inversion":
            continue
        worst = float(relative(predict(model, [change(x) for x in lattices()]), C).max())
        assert worst < TOLERANCE, name


@each_model
def test_a_strut_cut_in_two_changes_nothing(kind, options):
    whole = cell("sc", radius=0.04)
    cut = whole.replace(
        nodes=[[0.0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]],
        struts=[[0, 1], [1, 0], [0, 2], [2, 0], [0, 0]],
        shifts=[[0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]],
        radii=[0.04] * 5,
    )
    model = make_model(kind, options)
    assert float(relative(predict(model, [cut]), predict(model, [whole])).max()) < TOLERANCE


@each_model
@pytest.mark.parametrize("improper", [False, True], ids=["rotation", "reflection"])
def test_turns_with_the_lattice_if_and_only_if_it_says_so(kind, options, improper):
    model = make_model(kind, options)
    Q = random_rotation(5, improper=improper)
    R = rotation_mandel(torch.from_numpy(Q))
    turned = predict(model, [x.rotated(Q) for x in lattices()])
    worst = float(relative(turned, R @ predict(model, lattices()) @ R.mT).max())
    if model.equivariant:
        assert worst < TOLERANCE
    else:
        assert worst > VISIBLE


@each_model
def test_inversion_changes_nothing_if_and_only_if_it_says_so(kind, options):
    model = make_model(kind, options)
    mirrored = [SAME_STRUCTURE["inversion"](x) for x in lattices()]
    worst = relative(predict(model, mirrored), predict(model, lattices()))
    if model.equivariant:
        assert float(worst.max()) < TOLERANCE
    else:  # nearly linear, hence nearly even, at random: 5 digits above rounding
        assert float(worst.max()) > 2e-5


@each_model
def test_a_batch_equals_its_members_one_by_one(kind, options):
    model = make_model(kind, options)
    alone = torch.cat([predict(model, [x]) for x in lattices()])
    assert float(relative(predict(model, lattices()), alone).max()) < 1e-12


@each_model
def test_no_gradient_crosses_from_one_lattice_to_another(kind, options):
    model = make_model(kind, options).train()
    batch = LatticeBatch.from_lattices(lattices())
    radii = batch.radii.clone().requires_grad_()
    C = model(batch.replace(radii=radii))
    (gradient,) = torch.autograd.grad(C[1].square().sum(), radii)
    mine = batch.strut_lattice == 1
    assert float(gradient[mine].abs().min()) > 0
    assert float(gradient[~mine].abs().max()) == 0


@each_model
def test_gradient_equals_central_differences(kind, options):
    """With respect to radii, positions and cell vectors; sc has repeated eigenvalues."""
    model = make_model(kind, options)
    batch = LatticeBatch.from_lattices(lattices())
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(len(batch), 6, 6, dtype=torch.float64, generator=generator)
    weights = weights / model(batch).detach().flatten(1).norm(dim=1)[:, None, None]

    def objective(**changes):
        return (model(batch.replace(**changes)) * weights).sum()

    for name in ("radii", "nodes", "cells"):
        x = getattr(batch, name)
        direction = torch.randn(x.shape, dtype=torch.float64, generator=generator) * x.abs().max()
        variable = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(objective(**{name: variable}), variable)
        h = 1e-6
        with torch.no_grad():
            up = objective(**{name: x + h * direction})
            down = objective(**{name: x - h * direction})
        difference = float((up - down) / (2 * h))
        assert float((gradient * direction).sum()) == pytest.approx(difference, rel=1e-5), name


@each_model
def test_energy_is_never_negative_unless_the_map_is_none(kind, options):
    model = make_model(kind, options)
    C = predict(model, [*lattices(), *(random_lattice(seed) for seed in range(3, 9))])
    torch.testing.assert_close(C, C.mT, rtol=0, atol=1e-14 * float(C.abs().max()))
    eigenvalues = torch.linalg.eigvalsh(C)
    lowest = eigenvalues[:, 0] / eigenvalues.abs().amax(1)
    if model.config.positive_map == "none":
        assert float(lowest.min()) < -VISIBLE
    else:
        assert float(lowest.min()) > -1e-15


@each_model
def test_weights_on_disk_give_the_same_bits(kind, options, tmp_path):
    model = make_model(kind, options, double=False)
    save_model(tmp_path / "model.safetensors", model, {})
    loaded, _ = load_model(tmp_path / "model.safetensors")
    assert loaded.config == model.config
    assert loaded.equivariant == model.equivariant
    torch.testing.assert_close(
        predict(loaded, lattices()), predict(model, lattices()), rtol=0, atol=0
    )


def test_every_positive_map_is_tried():
    tried = {
        read_model_config({"kind": kind, **options}).positive_map for kind, options in VARIANTS
    }
    assert tried == set(POSITIVE_MAPS)


@each_model
def test_only_models_that_say_so_tend_to_beam_fem_for_slender_struts(kind, options):
    model = make_model(kind, options)
    slender = [lattice.with_relative_density(1e-8) for lattice in lattices()]
    beam = homogenise_beam(slender).stiffness.mandel
    error = float(relative(predict(model, slender), beam).max())
    assert (error < SLENDER) == model.slender_limit


def test_the_page_of_the_command_line_names_every_kind():
    page = (Path(__file__).parents[3] / "docs" / "cli.md").read_text("utf-8")
    sentence = re.search(r"The `kind` of a `model` is (.*?); its other keys", page, re.DOTALL)[1]
    assert set(re.findall(r"`([\w-]+)`", sentence)) == set(kinds())
