"""The compiled path of the joint models beside torch: results, derivatives, threads, precision."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.network.joints import JointConfig, JointModel
from lattice_gnn.network.layers import joint_kernel
from lattice_gnn.network.layers.joint_cases import JointCases
from lattice_gnn.network.layers.joint_kernel import launch, networks
from lattice_gnn.network.layers.joint_members import coefficients
from lattice_gnn.network.layers.joint_pairs import JointPairs
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.testing import example_lattices, random_lattice

ROUNDING = 1e-11
SINGLE = 2e-5
LEAVES = ("nodes", "cells", "radii", "E", "nu")


@pytest.fixture
def use(monkeypatch):
    """Choose the path."""
    loaded = joint_kernel.KERNEL.load_now()

    def choose(path):
        kernel = loaded if path == "compiled" else None
        monkeypatch.setattr(joint_kernel, "KERNEL", SimpleNamespace(serving=lambda work: kernel))

    return choose


@pytest.fixture
def use_threads():
    """Set the number of threads of torch; the old one comes back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def make_model(members=3):
    torch.manual_seed(0)
    model = JointModel(JointConfig(hidden=10, embedding=5, members=members), Normaliser())
    with torch.no_grad():
        for member in model.members:
            member.polynomial.normal_(0, 0.2)
            member.coefficients[-1].weight.mul_(10)
    return model.double()


def varied(count):
    """Random lattices with unequal struts beside symmetric ones, all in one batch."""
    lattices = [random_lattice(k, sections=k % 2 == 0, num_nodes=k % 5 + 1) for k in range(count)]
    batch = LatticeBatch.from_lattices([*lattices, *example_lattices()])
    generator = np.random.default_rng(0)
    number = len(batch.radii)
    own = torch.from_numpy(np.exp(generator.uniform(-0.7, 0.7, number)))
    E = torch.from_numpy(np.exp(generator.uniform(-1, 1, number)))
    nu = torch.from_numpy(generator.uniform(0, 0.45, number))
    radii = {name: own * getattr(batch, name) for name in ("radii", "end_radii", "inner_radii")}
    return batch.replace(E=E, nu=nu, **radii).simplified()


def with_gradients(model, batch):
    """C, and its derivatives by everything that a user or training can vary."""
    leaves = {name: getattr(batch, name).clone().requires_grad_() for name in LEAVES}
    C = model.stiffness(batch.replace(**leaves))
    generator = torch.Generator().manual_seed(1)
    load = torch.randn(C.shape, generator=generator, dtype=C.dtype) / C.detach().norm()
    model.zero_grad()
    (load * C).sum().backward()
    found = {"C": C.detach(), **{name: leaf.grad for name, leaf in leaves.items()}}
    return found | {name: x.grad.clone() for name, x in model.named_parameters()}


def test_results_and_all_derivatives_are_those_of_torch(use):
    model, batch = make_model(), varied(12)
    use("torch")
    expected = with_gradients(model, batch)
    use("compiled")
    for name, found in with_gradients(model, batch).items():
        scale = float(expected[name].abs().max())
        assert scale > 0
        assert float((found - expected[name]).abs().max()) < ROUNDING * scale, name


def test_members_and_single_precision(use):
    model, batch = make_model().float(), varied(12)
    answers = {}
    for path in ("torch", "compiled"):
        use(path)
        with torch.no_grad():
            answers[path] = model.answer(batch)
    one, other = answers.values()
    torch.testing.assert_close(other.stiffness, one.stiffness, rtol=0, atol=SINGLE)
    torch.testing.assert_close(other.spread, one.spread, rtol=1e-3, atol=SINGLE)


def test_cached_inputs_need_no_derivatives_of_motion(use):
    """Training: the frames are outside the graph, in double precision here."""
    model, batch = make_model(), varied(4)
    found = {}
    for path in ("torch", "compiled"):
        use(path)
        with torch.no_grad():
            cases = model.inputs(batch)
        model.zero_grad()
        model.member_matrices(cases.select([3, 0, 2])).square().sum().backward()
        found[path] = [x.grad.clone() for x in model.parameters()]
    for one, other in zip(*found.values(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-9, atol=1e-12)


def test_nothing_is_compiled_after_loading(use):
    """Arrays of real lattices have the types for which the code was loaded."""
    use("compiled")
    for dtype in (torch.float32, torch.float64):
        model = make_model().to(dtype)
        with_gradients(model, varied(2))
        with torch.no_grad():
            cases = model.inputs(varied(2))
        model.member_matrices(cases).sum().backward()
        with torch.no_grad():
            model.answer(varied(2))
    assert {len(entry.signatures) for entry in launch._ENTRIES} == {2}
    assert len(networks.evaluate.signatures) == 1  # single precision always


def test_threads_give_the_same_bits(use, use_threads, monkeypatch):
    use("compiled")
    monkeypatch.setattr("lattice_gnn.network.layers.joint_kernel.launch._LEAST", 100)
    model, batch = make_model(1), varied(12)
    found = []
    for threads in (1, 3):
        use_threads(threads)
        cases = JointCases.of(batch, torch.float64)
        g = torch.ones(2, 2, len(cases.coupling), 42, dtype=torch.float64, requires_grad=True)
        R = joint_kernel.KERNEL.serving(0).joint_responses(
            g,
            (cases.influence, cases.coupling),
            (cases.forces, cases.direction),
            cases.ends,
            cases.pair_offsets,
        )
        R.square().sum().backward()
        found.append((cases.features, R.detach(), g.grad))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    assert model.dtype == torch.float64


@pytest.mark.parametrize("widths", [(10, 5), (48, 24)])
def test_coefficients_without_derivatives_are_those_of_torch(use, use_threads, monkeypatch, widths):
    """Widths are padded; spans of lattices give the same bits as all of them together."""
    monkeypatch.setattr(networks, "_LEAST", 100)
    torch.manual_seed(0)
    config = JointConfig(hidden=widths[0], embedding=widths[1], members=2)
    model = JointModel(config, Normaliser())
    for member in model.members:
        torch.nn.init.normal_(member.polynomial)
        torch.nn.init.normal_(member.message[2].bias, std=3)
    found = {}
    with torch.no_grad():
        cases = model.inputs(varied(12))
        for path, threads in (("torch", 1), ("compiled", 1), ("compiled", 3)):
            use(path)
            use_threads(threads)
            found[path, threads] = coefficients(list(model.members), cases)
    expected, one, several = found.values()
    torch.testing.assert_close(one, expected, rtol=SINGLE, atol=SINGLE)
    assert torch.equal(one, several)


def test_second_derivatives_are_refused(use):
    use("compiled")
    batch = varied(1)
    radii = batch.radii.clone().requires_grad_()
    C = make_model(1).stiffness(batch.replace(radii=radii))
    (first,) = torch.autograd.grad(C.sum(), radii, create_graph=True)
    with pytest.raises(RuntimeError, match="once differentiable"):
        first.sum().backward()


def test_a_lattice_without_pairs_beside_others(use):
    """One strut alone at either node: no pair, and no correction of the frame from it."""
    use("compiled")
    chain = Lattice(
        np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.4]], [[0, 1]], [[0, 0, 0]], [0.05], name="alone"
    )
    batch = LatticeBatch.from_lattices([chain, cell("octet", radius=0.05)])
    pairs = JointPairs.of(batch)
    assert int(pairs.offsets[1]) == 0
    assert bool(torch.isfinite(pairs.profile()).all())


def test_a_joint_of_thirty_struts(use):
    """More struts than fit the padding of eight, beside a joint of two."""
    generator = np.random.default_rng(0)
    t = generator.normal(size=(30, 3))
    nodes = np.concatenate([np.zeros((1, 3)), t / np.linalg.norm(t, axis=1, keepdims=True) / 10])
    struts = np.stack([np.zeros(30, int), 1 + np.arange(30)], 1)
    lattice = Lattice(
        10 * np.eye(3),
        nodes,
        np.concatenate([struts, [[1, 2]]]),
        np.zeros((31, 3), int),
        generator.uniform(0.05, 0.1, 31),
    )
    pairs = JointPairs.of(LatticeBatch.from_lattices([lattice]))
    found = []
    for path in ("torch", "compiled"):
        use(path)
        found.append(pairs.profile())
    torch.testing.assert_close(found[1], found[0], rtol=1e-11, atol=1e-12)
