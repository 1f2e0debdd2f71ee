"""Models of the comparison on solid labels that are no part of the package.

- beams with end zones of the published length r / tan(theta / 2), in which a strut overlaps its
  neighbours, theta the angle to a neighbour of radius r, the longest over the neighbours. In the
  zones the radius is 1.5 times that of the strut, as published, or they are rigid, over their whole
  length or a fitted share of it;
- beams whose ends are rigid over a fitted multiple of the radius;
- the published encoder and the relaxation network, with the beam stiffness as their P;
- strut condensation: a network sets rigid ends and the axial and bending stiffness of every strut,
  and the frame solver does the rest, so that all correction acts strut by strut.

Reference:
    Length and radius of the zones: pyLattice (github.com/Tcadart/pyLattice), "penalization" in
    utils.py and lattice_sim.py. Stiffer struts near the joints in general: Luxner, Stampfl and
    Pettermann, *Finite element modeling concepts and linear analyses of 3D regular open cell
    structures*, J. Mater. Sci. 40 (2005) 5859.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from results_file import Run
from rigid_ends import FITTED, LONGEST, at_most_longest, best_factor, radii
from solid_runs import Kind, Predictor, plain
from solid_training import TRAIN, Budget, fit_network
from torch import Tensor, nn

from fem_reference.beam.elements import BeamTheory
from fem_reference.beam.homogenise import homogenise_beam
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.base import ModelSettings, StiffnessNetwork
from lattice_gnn.network.equivariant import ModelConfig, StiffnessModel
from lattice_gnn.network.layers.joint_cases import PAIR_FEATURES, JointCases
from lattice_gnn.network.layers.joint_pairs import JointPairs
from lattice_gnn.network.layers.positivity import beam_root, relative_logarithm, relative_to
from lattice_gnn.network.normaliser import Normaliser
from lattice_gnn.training.config import TrainConfig
from lattice_gnn.training.labelled import LabelledLattices

ALIGNED = 170.0  #: degrees above which a neighbour only continues a strut
THICKER = 1.5  #: radius in an end zone over that of the strut
SHORTEST = 1e-3  #: of a strut's length: end zones without angle
Recipe = tuple[Literal["adamw", "soap"], float]
"""Optimiser and peak learning rate."""
ENCODER = ModelConfig.from_dict({"size": "paper", "features": "continuous", "positive_map": "beam"})


@dataclass(frozen=True)
class Frame:
    """Beam FEM with ends that are rigid over some length.

    Attributes:
        arms: Rigid lengths of the ends of every strut, unit of length; None: none.
        element: Theory of the struts.
    """

    arms: Callable[[LatticeBatch], Tensor] | None = None
    element: BeamTheory = "euler-bernoulli"

    def stiffness(self, batch: LatticeBatch) -> Tensor:
        """C / E_s."""
        arms = None
        if self.arms is not None:
            arms = at_most_longest(self.arms(batch), batch)
        return homogenise_beam(batch, element=self.element, rigid_ends=arms).stiffness.mandel


def end_zones(batch: LatticeBatch) -> Tensor:
    """R / tan(theta / 2) at the ends of every strut, the largest over the neighbours."""
    pairs = JointPairs.of(batch)
    a, b = pairs.ends
    angle = torch.acos(pairs.cosine.clamp(-1, 1))
    zone = torch.where(angle < torch.deg2rad(torch.tensor(ALIGNED)), 1 / torch.tan(angle / 2), 0.0)
    length = zone.new_zeros(len(pairs.node))
    for here, there in ((a, b), (b, a)):
        length = length.scatter_reduce(0, here, pairs.radius[there] * zone, "amax")
    return length.view(-1, 2)


@dataclass(frozen=True)
class ThickEnds:
    """Beam FEM with struts that are thicker in their end zones."""

    def stiffness(self, batch: LatticeBatch) -> Tensor:
        """C / E_s."""
        return homogenise_beam(with_thick_ends(batch)).stiffness.mandel


def with_thick_ends(batch: LatticeBatch) -> LatticeBatch:
    """Divide every strut in its two end zones, of ``THICKER`` times its radius, and the rest."""
    count, nodes = len(batch.radii), len(batch.nodes)
    share = (end_zones(batch) / batch.lengths[:, None]).clamp(SHORTEST, LONGEST)
    start = batch.nodes[batch.struts[:, 0]]
    along = batch.nodes[batch.struts[:, 1]] + batch.shifts - start
    ends = [start + share[:, :1] * along, start + (1 - share[:, 1:]) * along]
    owner = torch.cat([batch.node_lattice, batch.strut_lattice, batch.strut_lattice])
    order = owner.argsort(stable=True)
    number = order.argsort()
    new = nodes + torch.arange(2 * count).view(2, count)
    chain = torch.stack([batch.struts[:, 0], new[0], new[0], new[1], new[1], batch.struts[:, 1]], 1)
    zero = torch.zeros_like(batch.shifts)
    middle = batch.radii.new_tensor([THICKER, 1.0, THICKER])

    def thrice(values: Tensor) -> Tensor:
        return values.repeat_interleave(3)

    return LatticeBatch(
        cells=batch.cells,
        nodes=torch.cat([batch.nodes, *ends])[order],
        struts=number[chain].view(-1, 2),
        shifts=torch.stack([zero, zero, batch.shifts], 1).flatten(0, 1),
        radii=thrice(batch.radii) * middle.repeat(count),
        end_radii=thrice(batch.end_radii) * middle.repeat(count),
        inner_radii=thrice(batch.inner_radii) * middle.repeat(count),
        E=thrice(batch.E),
        nu=thrice(batch.nu),
        node_offsets=batch.node_offsets + 2 * batch.strut_offsets,
        strut_offsets=3 * batch.strut_offsets,
    )


def fixed(frame: Predictor) -> Kind:
    """Return a model without anything to fit."""
    return Kind(lambda run, part, validation: (frame, 0), {}, build=lambda normaliser: frame)


def scaled(rule: Callable[[LatticeBatch], Tensor]) -> Kind:
    """Return beams whose rigid ends are a fitted multiple of a rule."""

    def fit(
        run: Run, part: LabelledLattices, validation: LabelledLattices
    ) -> tuple[Predictor, int]:
        def frame(factor: float) -> Frame:
            return Frame(lambda batch: factor * rule(batch))

        best = best_factor(lambda factor, batch: frame(factor).stiffness(batch), part)
        return frame(best), 0

    return Kind(fit, {"fitted": FITTED}, build=lambda normaliser: Frame(rule))


@dataclass(frozen=True, slots=True)
class BeamRelaxationConfig(ModelConfig):
    """Configuration of a relaxation network relative to the beam stiffness."""

    def __post_init__(self) -> None:
        """Admit what ``ModelConfig`` refuses: relaxation relative to the beam stiffness."""


class BeamRelaxation(StiffnessModel):
    """The relaxation network with C = P^(1/2) exp(M) P^(1/2), P the beam stiffness."""

    def stiffness(self, batch: LatticeBatch) -> Tensor:
        """C / E_s; not bounded by P, which joints exceed."""
        return relative_to(self.matrix(batch).double(), beam_root(batch))


@dataclass(frozen=True, slots=True)
class CondensationConfig(ModelSettings):
    """Configuration of strut condensation.

    Attributes:
        hidden: Width of the hidden layers.
        positive_map: "beam".
        kind: Name of the architecture.
    """

    hidden: int = 32
    positive_map: Literal["beam"] = "beam"
    kind: str = "condensation"


@dataclass(frozen=True)
class Struts:
    """Inputs of strut condensation.

    Attributes:
        batch: The lattices.
        cases: The invariants of their joints.
        root: P^(1/2), P the beam stiffness.
    """

    batch: LatticeBatch
    cases: JointCases
    root: Tensor

    def select(self, lattices: np.ndarray) -> "Struts":
        """The given lattices."""
        return Struts(self.batch.select(lattices), self.cases.select(lattices), self.root[lattices])


class Condensation(StiffnessNetwork):
    """Frames whose struts have learned rigid ends, axial and bending factors.

    An end is described by the mean of a perceptron over its pairs; both ends of a strut give the
    logarithms of its factors, each end its rigid length over the radius.
    """

    config: CondensationConfig

    def __init__(self, config: CondensationConfig, normaliser: Normaliser):
        super().__init__(config, normaliser)
        width = config.hidden
        last = nn.Linear(width, 3)
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.copy_(torch.tensor([-0.8, 0.0, 0.0]))  # softplus(-0.8) = 0.37 radii
        self.message = nn.Sequential(
            nn.Linear(len(PAIR_FEATURES), width), nn.SiLU(), nn.Linear(width, width)
        )
        self.answer_of_end = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), last)

    def inputs(self, batch: LatticeBatch) -> Struts:
        """Lattices and their invariants."""
        parts = [JointCases.of(part) for part in batch.split(128)]
        return Struts(batch, JointCases.join(parts), beam_root(batch))

    def frame(self, struts: Struts) -> Tensor:
        """C / E_s of the frame with the learned struts."""
        batch, cases = struts.batch, struts.cases
        messages = (self.message(cases.features) * cases.influence[..., None]).flatten(0, 1)
        ends = messages.new_zeros(len(cases.forces), messages.shape[1])
        total = ends.index_add(0, cases.ends.flatten(), messages)
        weight = ends[:, 0].index_add(0, cases.ends.flatten(), cases.influence.flatten())
        mean = total / (weight[:, None] + 1e-3)
        found = self.answer_of_end(torch.cat([total / 3, mean], 1)).double().view(-1, 2, 3)
        arms = at_most_longest(nn.functional.softplus(found[..., 0]) * radii(batch), batch)
        axial, bending = found[..., 1:].mean(1).clamp(-2, 2).exp().unbind(1)
        # E r^2 and E r^4 are multiplied by the two factors
        size = (bending / axial).sqrt()
        changed = batch.replace(radii=batch.radii * size, E=batch.E * axial.square() / bending)
        return homogenise_beam(changed, rigid_ends=arms).stiffness.mandel

    def matrix(self, inputs: Any) -> Tensor:
        """The logarithm of C relative to the beam stiffness."""
        return relative_logarithm(self.frame(inputs), inputs.root)

    def stiffness(self, batch: LatticeBatch) -> Tensor:
        """C / E_s of simplified lattices."""
        return self.frame(self.inputs(batch))


@dataclass(frozen=True)
class Network:
    """A network that is trained for some core-minutes.

    Attributes:
        config: Its configuration.
        model: Builds it from the configuration and a normaliser.
        train: Its training but for what ``trained`` is told.
    """

    config: Any
    model: Callable[[Any, Normaliser], StiffnessNetwork]
    train: TrainConfig = TRAIN

    def build(self, normaliser: Normaliser) -> StiffnessNetwork:
        """The network with random weights."""
        return self.model(self.config, normaliser)


def networks() -> dict[str, Network]:
    """Return the networks of this file by name."""
    relaxation = {"size": "small", "positive_map": "prior"}
    small = ModelConfig.from_dict(relaxation).to_dict() | {"positive_map": "beam"}
    return {
        "condensation": Network(CondensationConfig(), Condensation),
        "encoder": Network(ENCODER, StiffnessModel),
        "relaxation": Network(BeamRelaxationConfig(**small), BeamRelaxation),
    }


def trained(network: Network, recipe: Recipe, budget: Budget) -> Kind:
    """Return a network with an optimiser, a learning rate and a budget."""
    optimiser, rate = recipe
    config = replace(network.train, optimiser=optimiser, learning_rate=rate)
    settings = {
        "model": network.config.to_dict(),
        "train": plain(config),
        "minutes": {"few labels": budget.minutes_few, "more": budget.minutes},
        "validations": budget.validations,
    }
    budget = replace(budget, config=config)
    return Kind(partial(fit_network, network.build, budget), settings, build=network.build)


def frames() -> dict[str, Kind]:
    """Return the frames of this file by name, with at most one fitted constant."""
    return {
        "beam": fixed(Frame()),
        "Timoshenko": fixed(Frame(element="timoshenko")),
        "thick end zones": fixed(ThickEnds()),
        "rigid end zones": fixed(Frame(end_zones)),
        "rigid end zones, fitted": scaled(end_zones),
        "rigid ends": scaled(radii),
    }
