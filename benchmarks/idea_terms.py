"""A linear model of few named invariant polynomials, chosen one by one.

The joint energy M is linear in the coefficients of its 42 forms, and these are here polynomials:
c^p times 1 or one other invariant of the pair. Orthogonal matching pursuit takes, again and again,
the term that lowers the squared error of M most and fits all weights anew: the counterpart of
boost-invariant polynomials, where a sparse linear model of invariants matches large networks.

Reference:
    Munoz, Batatia, Ortner, *Boost invariant polynomials for efficient jet tagging*, Mach. Learn.:
    Sci. Technol. 3 (2022) 04LT05.
"""

from dataclasses import dataclass

import torch
from results_file import Run
from solid_runs import Kind, Predictor
from torch import Tensor

from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.network.layers.joint_cases import PAIR_FEATURES, JointCases
from lattice_gnn.network.layers.joint_forms import joint_energy, pair_forms
from lattice_gnn.network.layers.positivity import relative_logarithm, relative_to
from lattice_gnn.tensors.notation import UPPER
from lattice_gnn.training.labelled import LabelledLattices
from lattice_gnn.training.normal_equations import NormalEquations

POWERS = 4
OTHERS = (
    "log(0.01 + r/L) of a",
    "log(0.01 + r/L) of b",
    "radius contrast",
    "nu of a",
    *(f"profile of {end} at {azimuth}" for end in "ab" for azimuth in (0, 180)),
)
_EVEN, _ODD = ("f.t", "f.n", "m.w"), ("m.t", "m.n", "f.w")
FORMS = (
    *(f"{x}_a {y}_a" for x in _EVEN for y in _EVEN),
    *(f"{x}_a {y}_b" for x in _EVEN for y in _EVEN),
    *(f"{x}_a {y}_a" for x in _ODD for y in _ODD),
    *(f"{x}_a {y}_b" for x in _ODD for y in _ODD),
    "f_a.f_a", "m_a.m_a", "f_a.(t_a x m_a)", "f_a.f_b", "m_a.m_b", "f_a.(t_b x m_b)",
)  # fmt: skip
"""The quadratic forms, in the order of ``joint_forms``."""
FUNCTIONS = tuple(
    " ".join(x for x in (power, other) if x) or "1"
    for other in ("", *OTHERS)
    for power in ("", "c", *(f"c^{p}" for p in range(2, POWERS + 1)))
)
COUNTS = (10, 30, 100, 300)
PENALTY = 1e-6  #: relative to the mean square of a column
_AT_ONCE = 16


@dataclass(frozen=True)
class TermModel:
    """M as a sum of terms: function times form."""

    weights: Tensor

    def stiffness(self, batch: LatticeBatch) -> Tensor:
        """C / E_s of simplified lattices."""
        cases = JointCases.of(batch, torch.float64)
        M = joint_energy(functions_of(cases) @ self.weights, cases)
        return relative_to(M.clamp(-50, 50), cases.root)


def functions_of(cases: JointCases) -> Tensor:
    """``FUNCTIONS`` of every directed pair."""
    column = {name: k for k, name in enumerate(PAIR_FEATURES)}
    c = cases.features[..., column["c"]]
    powers = torch.stack([c**p for p in range(POWERS + 1)], -1)
    others = cases.features[..., [column[name] for name in OTHERS]]
    others = torch.cat([torch.ones_like(c)[..., None], others], -1)
    return (others[..., :, None] * powers[..., None, :]).flatten(-2)


def equations_of(labelled: LabelledLattices) -> NormalEquations:
    """Normal equations of all terms: functions times forms."""
    like = torch.zeros((), dtype=torch.float64)
    found = NormalEquations.empty(len(FUNCTIONS) * len(FORMS), 1, like)
    for part in labelled.split(_AT_ONCE):
        cases = JointCases.of(part.batch, torch.float64)
        M = relative_logarithm(part.stiffness, cases.root)
        functions = functions_of(cases).transpose(0, 1)
        forms = upper(pair_forms(cases)).transpose(0, 1)
        rows = []
        for first, stop in zip(cases.pair_offsets[:-1], cases.pair_offsets[1:], strict=True):
            psi = functions[first:stop].flatten(0, 1)
            values = psi.T @ forms[first:stop].flatten(0, 1).flatten(1)
            rows.append(values.view(len(FUNCTIONS) * len(FORMS), 21).T)
        found.add(torch.cat(rows), upper(M).flatten()[:, None])
    return found


def upper(M: Tensor) -> Tensor:
    """Upper triangle; off-diagonal entries times sqrt 2."""
    i, j = (torch.from_numpy(x) for x in UPPER)
    return M[..., i, j] * M.new_tensor([1.0 if same else 2**0.5 for same in (i == j).tolist()])


def pursuit(equations: NormalEquations, count: int) -> list[int]:
    """Return the terms in the order of their choice, from the normal equations alone.

    The Gram matrix is swept: after each choice it is that of the residuals of all columns.
    """
    scale = equations.gram.diagonal().sqrt().clamp(min=1e-12)
    gram = equations.gram / scale / scale[:, None]
    moment = (equations.moment[:, 0] / scale).clone()
    gram = gram + PENALTY * torch.eye(len(gram), dtype=gram.dtype)
    chosen: list[int] = []
    free = torch.ones(len(gram), dtype=torch.bool)
    for _ in range(count):
        left = gram.diagonal().clamp(min=1e-9)
        gain = torch.where(free & (left > 1e-6), moment.square() / left, -1.0)
        best = int(gain.argmax())
        chosen.append(best)
        free[best] = False
        row = gram[best] / gram[best, best]
        moment = moment - row * moment[best]
        gram = gram - torch.outer(row, gram[best])
    return chosen


def weights_of(equations: NormalEquations, chosen: list[int]) -> Tensor:
    """Least squares with the chosen terms."""
    part = NormalEquations(
        equations.gram[chosen][:, chosen],
        equations.moment[chosen],
        equations.square,
        equations.rows,
    )
    weights = torch.zeros(len(equations.gram), dtype=torch.float64)
    weights[chosen] = part.solve(PENALTY)[:, 0]
    return weights.view(len(FUNCTIONS), len(FORMS))


@dataclass(frozen=True)
class Search:
    """Normal equations of all terms, and the terms in the order of their choice."""

    equations: NormalEquations
    order: list[int]


class Searches:
    """Remembers the last search: models of different numbers of terms share it."""

    def __init__(self) -> None:
        self.key, self.last = "", Search(NormalEquations(torch.zeros(0, 0), torch.zeros(0, 0)), [])

    def of(self, part: LabelledLattices) -> Search:
        """Search the terms that describe some labels best."""
        key = part.fingerprint()
        if key != self.key:
            equations = equations_of(part)
            self.key, self.last = key, Search(equations, pursuit(equations, max(COUNTS)))
        return self.last


def terms(count: int, searches: Searches) -> Kind:
    """Return a linear model of some terms."""

    def fit(
        run: Run, part: LabelledLattices, validation: LabelledLattices
    ) -> tuple[Predictor, int]:
        found = searches.of(part)
        return TermModel(weights_of(found.equations, found.order[:count])), 0

    return Kind(fit, {"terms": count, "powers": POWERS, "others": len(OTHERS)})


def names_of(chosen: list[int]) -> list[str]:
    """Return the terms in words."""
    return [f"{FUNCTIONS[k // len(FORMS)]} · {FORMS[k % len(FORMS)]}" for k in chosen]
