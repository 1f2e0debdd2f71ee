"""Findings: properties of a lattice that limit how far its results can be trusted."""

from dataclasses import dataclass

import numpy as np

from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.wording import counted

BEAM_SLENDERNESS = 0.1
"""Largest radius/length for which beam theory is taken to hold."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding about a lattice, for users.

    Attributes:
        kind: ``net``, ``contact``, ``slenderness``, ``dangling``, ``collinear`` or ``handedness``;
            of a solid also ``gap`` or ``dropped``, of a prediction also ``domain``.
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
        *_contact(lattice),
        *_slenderness(simplified),
        *dangling(lattice),
        *_collinear(lattice, simplified),
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


def _contact(lattice: Lattice) -> list[Finding]:
    try:
        clearance = lattice.clearance()
    except LatticeGnnError as error:
        return [Finding("contact", f"The clearance is unknown: {error}")]
    return [Finding("contact", clearance.describe())] if clearance.distance <= 0 else []


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


def _collinear(lattice: Lattice, simplified: Lattice) -> list[Finding]:
    merged = lattice.num_nodes - simplified.num_nodes
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


def _handedness(lattice: Lattice) -> list[Finding]:
    if np.linalg.det(lattice.cell) > 0:
        return []
    return [Finding("handedness", "The cell vectors are left-handed, which changes no result.")]
