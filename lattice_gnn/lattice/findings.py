"""Findings: properties of a lattice that limit how far its results can be trusted."""

from dataclasses import dataclass

import numpy as np

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.angles import sharpest_joint
from lattice_gnn.lattice.gaps import close_nodes
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.wording import counted

BEAM_SLENDERNESS = 0.1
"""Largest radius/length for which beam theory is taken to hold."""
CLOSE = 0.7
"""Gap between struts without a common joint, over the smallest radius, below which they are nearly
in contact."""
SHARP = 15.0
"""Angle between struts at a joint, in degrees, below which they overlap far beyond the joint."""
LEAST_SLENDERNESS = 1e-6
"""Smallest radius/length at which the softest mode is accurate: that of BCC is off by 0.02 % here,
by 0.6 % at 1e-7 and by 80 % at 1e-8."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding about a lattice, for users.

    Attributes:
        kind: ``net``, ``contact``, ``gap``, ``nodes``, ``angle``, ``slenderness``, ``dangling``,
            ``thinness``, ``collinear``, ``fractions`` or ``handedness``; of a solid also
            ``dropped``, of a prediction also ``domain``.
        text: One sentence.
    """

    kind: str
    text: str

    def __str__(self) -> str:
        """Return the sentence."""
        return self.text


_HARMLESS = ("collinear", "handedness")


def findings(lattice: Lattice) -> tuple[Finding, ...]:
    """List the findings about a lattice, most important first."""
    simplified = lattice.simplified()
    return (
        *_net(lattice),
        *contact(lattice),
        *joints(simplified),
        *_slenderness(simplified),
        *_thinness(simplified),
        *dangling(lattice),
        *_collinear(lattice, simplified),
        *_fractions(lattice),
        *_handedness(lattice),
    )


def warnings(lattice: Lattice) -> tuple[Finding, ...]:
    """Return the findings that affect results (not collinear nodes or a left-handed cell)."""
    return tuple(found for found in findings(lattice) if found.kind not in _HARMLESS)


def dangling(lattice: Lattice) -> list[Finding]:
    """Report nodes at which only one strut ends."""
    nodes = [str(node) for node in (lattice.degrees == 1).nonzero()[0]]
    if not nodes:
        return []
    listed = ", ".join(nodes[:6]) + (", ..." if len(nodes) > 6 else "")
    return [
        Finding(
            "dangling",
            f"Only one strut ends at node{'s' * (len(nodes) > 1)} {listed}: "
            "dangling struts add mass but carry no load.",
        )
    ]


def _net(lattice: Lattice) -> list[Finding]:
    net = lattice.connectivity()
    return [] if net.is_single_net else [Finding("net", net.describe())]


def contact(lattice: Lattice) -> list[Finding]:
    """Report struts without a common joint that touch or nearly touch."""
    try:
        clearance = lattice.clearance()
    except LatticeGnnError as error:
        return [Finding("contact", f"The clearance is unknown: {error}")]
    if clearance.distance <= 0:
        return [Finding("contact", clearance.describe())]
    gap = clearance.distance / float(lattice.sections.largest_radii.min())
    if gap >= CLOSE:
        return []
    return [
        Finding(
            "gap",
            f"Struts that share no joint nearly touch: the gap between {clearance.pair} is "
            f"{clearance.distance:.4g}, {gap:.2g} of the smallest radius.",
        )
    ]


def joints(lattice: Lattice) -> list[Finding]:
    """Report joints that overlap, and struts of a joint at a sharp angle."""
    found = []
    try:
        nodes = close_nodes(lattice._solids())
    except LatticeGnnError:  # ``contact`` reports what makes the search impossible
        nodes = None
    if nodes is not None and nodes.ratio < 1:
        text = (
            f"Node {nodes.node_a} and node {nodes.node_b} nearly coincide: they are "
            f"{nodes.ratio:.2g} radii apart, so that one joint lies inside the other."
        )
        found.append(Finding("nodes", text))
    angle, node = sharpest_joint(lattice.struts, lattice.strut_vectors)
    if angle < SHARP:
        text = (
            f"Two struts at node {node} enclose {angle:.2g} degrees: they overlap far beyond the "
            "joint."
        )
        found.append(Finding("angle", text))
    return found


def _slenderness(lattice: Lattice) -> list[Finding]:
    ratios = lattice.sections.largest_radii / lattice.lengths
    thick = int((ratios > BEAM_SLENDERNESS).sum())
    if not thick:
        return []
    return [
        Finding(
            "slenderness",
            f"{thick} of {counted(len(ratios), 'strut')} {'is' if thick == 1 else 'are'} too thick "
            f"for beam theory: radius/length is up to {ratios.max():.3g}, expected at most "
            f"{BEAM_SLENDERNESS:g}.",
        )
    ]


def _thinness(lattice: Lattice) -> list[Finding]:
    """Report struts so thin that their bending stiffness is lost to rounding."""
    sections = lattice.sections
    ratio = float((np.minimum(sections.radii, sections.end_radii) / lattice.lengths).min())
    if ratio >= LEAST_SLENDERNESS:
        return []
    return [
        Finding(
            "thinness",
            f"Radius/length is down to {ratio:.2g}: below {LEAST_SLENDERNESS:g} the stiffness of "
            "modes that bend the struts is inaccurate, because it is lost to rounding.",
        )
    ]


def _collinear(lattice: Lattice, simplified: Lattice) -> list[Finding]:
    joined = simplified
    if (
        lattice.degrees == 1
    ).any():  # hanging struts, which are left out too, are counted elsewhere
        joined = lattice.simplified(only=np.ones(lattice.num_nodes, dtype=bool))
    merged = lattice.num_nodes - joined.num_nodes
    if not merged:
        return []
    return [
        Finding(
            "collinear",
            f"{counted(merged, 'node')} merely split{'s' if merged == 1 else ''} straight struts; "
            f"the simplified lattice, which the network sees, has "
            f"{counted(simplified.num_nodes, 'node')} and "
            f"{counted(simplified.num_struts, 'strut')}.",
        )
    ]


def _fractions(lattice: Lattice) -> list[Finding]:
    """Report nodes so far outside the cell that lengths were probably given for fractions."""
    far = np.flatnonzero(((lattice.nodes < -1) | (lattice.nodes > 2)).any(axis=1))
    if not len(far):
        return []
    row = ", ".join(f"{x:g}" for x in lattice.nodes[far[0]])
    lie = "lies" if len(far) == 1 else "lie"
    return [
        Finding(
            "fractions",
            f"{counted(len(far), 'node')} {lie} far outside the cell, as node {far[0]} at ({row}): "
            "nodes are given in fractions of the cell vectors, not in units of length.",
        )
    ]


def _handedness(lattice: Lattice) -> list[Finding]:
    if np.linalg.det(lattice.cell) > 0:
        return []
    return [Finding("handedness", "The cell vectors are left-handed, which changes no result.")]
