"""Deck keywords that generate nodes and elements from others: as in Abaqus, or refused.

Source: Abaqus keywords reference, ``*NGEN``, ``*NFILL``, ``*NCOPY``, ``*ELGEN``, ``*ELCOPY``,
``*SYSTEM``, and ``*NODE`` with ``SYSTEM``.
"""

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from data.formats.deck import MAX_GENERATED, Block, Part
from data.reading import Place, check_count, integer, number

Vector = Float[np.ndarray, "3"]


def members(sets: dict[str, list[int | range | str]], name: str, place: Place) -> list[int]:
    """Return the labels of a set, each once, in its order; names of sets inside are followed.

    Raises:
        LatticeGnnError: A name is unknown, or the set has more than ``MAX_GENERATED`` members.
    """
    found: dict[int, None] = {}
    done: set[str] = set()
    work: list[Iterator[int | range | str]] = [iter([name])]
    while work:
        for entry in work[-1]:
            if isinstance(entry, str):
                if entry not in sets:
                    raise place.error(f"there is no set {entry[:60]!r}")
                if entry not in done:
                    done.add(entry)
                    work.append(iter(sets[entry]))
                    break
            else:
                labels = entry if isinstance(entry, range) else (entry,)
                check_count(len(found) + len(labels), MAX_GENERATED, place, "members of a set")
                found.update(dict.fromkeys(labels))
        else:
            work.pop()
    return list(found)


def turned(points: Float[np.ndarray, "points 3"], axis: list[float]) -> np.ndarray:
    """Turn points about the axis through two points by an angle in degrees (Rodrigues' formula).

    Args:
        points: Positions.
        axis: The two points, then the angle.
    """
    start, end, angle = np.array(axis[:3]), np.array(axis[3:6]), math.radians(axis[6])
    along = (end - start) / np.linalg.norm(end - start)
    rest = points - start
    parallel = np.outer(rest @ along, along)
    across = math.cos(angle) * (rest - parallel) + math.sin(angle) * np.cross(along, rest)
    return start + parallel + across


def check_axis(axis: list[float], block: Block) -> None:
    """Refuse an axis of rotation whose two points coincide."""
    if axis[:3] == axis[3:6] and axis[6] != 0:
        raise block.error("the two points of the axis of rotation are the same")


def _integers(block: Block, words: list[str], place: Place, defaults: list[int]) -> list[int]:
    """Return integers, with defaults for those left out."""
    values = [
        integer(word, place, f"*{block.keyword}") if word else default
        for word, default in zip(words, defaults, strict=False)
    ]
    return values + defaults[len(values) :]


def _refuse_parameters(block: Block, known: set[str]) -> None:
    for name in block.parameters:
        if name not in known:
            raise block.error(
                f"the parameter {name[:40]} is not understood; write out what it makes"
            )


def generate_nodes(block: Block, part: Part) -> None:
    """``*NGEN``: nodes between two nodes, on a straight line."""
    _refuse_parameters(block, {"NSET", "LINE"})
    if block.get("LINE"):
        raise block.error("only straight lines are understood; write out the nodes")
    for words, place in block.lines:
        first, last, step = _integers(block, words, place, [0, 0, 1])
        for label in (first, last):
            if label not in part.labels:
                raise place.error(f"*NGEN: node {label} is not defined above")
        step = abs(step) if last >= first else -abs(step)
        if step == 0 or (last - first) % step:
            raise place.error("*NGEN: the increment does not lead from the first node to the last")
        count = (last - first) // step
        part.will_generate(count, place)
        start, end = np.array(part.position(first)), np.array(part.position(last))
        made = [first, last]
        for k in range(1, count):
            x, y, z = (start + k / count * (end - start)).tolist()
            part.add_node(first + k * step, (x, y, z), place)
            made.append(first + k * step)
        if block.get("NSET"):
            part.node_sets.setdefault(block.get("NSET"), []).extend(made)


def fill_nodes(block: Block, part: Part) -> None:
    """``*NFILL``: nodes between two sets of nodes, in equal steps."""
    _refuse_parameters(block, {"NSET"})
    for words, place in block.lines:
        if len(words) < 3:
            raise place.error("*NFILL: expected two node sets, the number of intervals, increment")
        first, last = (members(part.node_sets, word.upper(), place) for word in words[:2])
        count, step = _integers(block, words[2:], place, [1, 1])
        if count < 1:
            raise place.error("*NFILL: expected at least one interval")
        pairs = list(zip(first, last, strict=False))
        part.will_generate(len(first) + len(last) + count * len(pairs), place)
        for low, high in pairs:
            _check_defined(part, (low, high), place)
            start, end = np.array(part.position(low)), np.array(part.position(high))
            for k in range(1, count):
                x, y, z = (start + k / count * (end - start)).tolist()
                part.add_node(low + k * step, (x, y, z), place)
            if block.get("NSET"):
                made = [*(low + k * step for k in range(count)), high]
                part.node_sets.setdefault(block.get("NSET"), []).extend(made)


def copy_nodes(block: Block, part: Part) -> None:
    """``*NCOPY, SHIFT``: nodes moved and turned."""
    _refuse_parameters(block, {"CHANGE NUMBER", "OLD SET", "NEW SET", "SHIFT", "MULTIPLE"})
    if "SHIFT" not in block.parameters:
        raise block.error("only SHIFT is understood; write out the nodes")
    rows = [
        [number(w, place, "*NCOPY") if w else 0.0 for w in words] for words, place in block.lines
    ]
    move = np.array(([*rows[0], 0.0, 0.0, 0.0] if rows else [0.0] * 3)[:3])
    axis = ([*rows[1]] + [0.0] * 7)[:7] if len(rows) > 1 else [0.0] * 7
    check_axis(axis, block)
    change = integer(block.get("CHANGE NUMBER"), block.place, "*NCOPY, CHANGE NUMBER")
    times = integer(block.get("MULTIPLE") or "1", block.place, "*NCOPY, MULTIPLE")
    old = members(part.node_sets, block.get("OLD SET"), block.place)
    part.will_generate((1 + max(times, 0)) * len(old), block.place)
    _check_defined(part, old, block.place)
    points = np.array([part.position(label) for label in old]).reshape(-1, 3)
    made = []
    for k in range(1, times + 1):
        points = points + move
        if axis[6] != 0:
            points = turned(points, axis)
        for label, (x, y, z) in zip(old, points.tolist(), strict=True):
            part.add_node(label + k * change, (x, y, z), block.place)
            made.append(label + k * change)
    if block.get("NEW SET"):
        part.node_sets.setdefault(block.get("NEW SET"), []).extend(made)


def generate_elements(block: Block, part: Part) -> None:
    """``*ELGEN``: rows, layers and blocks of elements from a master element."""
    _refuse_parameters(block, {"ELSET", "ALL NODES"})
    for words, place in block.lines:
        values = _integers(block, words, place, [0, 1, 1, 1, 1, 0, 0, 1, 0, 0])
        master = values[0]
        if master not in part.elements:
            raise place.error(f"*ELGEN: element {master} is not defined above")
        counts = [values[1], values[4], values[7]]
        nodes = [values[2], values[5], values[8]]
        labels = [values[3], values[6], values[9]]
        if min(counts) < 1:
            raise place.error("*ELGEN: expected at least one element in every direction")
        part.will_generate(math.prod(counts), place)
        made = []
        for steps in np.ndindex(*counts):
            label = master + sum(s * d for s, d in zip(steps, labels, strict=True))
            shift = sum(s * d for s, d in zip(steps, nodes, strict=True))
            if any(steps):
                _copy_element(part, master, (label, shift), place)
            made.append(label)
        if block.get("ELSET"):
            part.sets.setdefault(block.get("ELSET"), []).extend(made)


def copy_elements(block: Block, part: Part) -> None:
    """``*ELCOPY``: elements with shifted labels between shifted nodes."""
    _refuse_parameters(block, {"OLD SET", "NEW SET", "ELEMENT SHIFT", "SHIFT NODES", "REFLECT"})
    shift = integer(block.get("ELEMENT SHIFT"), block.place, "*ELCOPY, ELEMENT SHIFT")
    nodes = integer(block.get("SHIFT NODES"), block.place, "*ELCOPY, SHIFT NODES")
    old = members(part.sets, block.get("OLD SET"), block.place)
    part.will_generate(len(old), block.place)
    made = []
    for label in old:
        if label in part.elements:
            _copy_element(part, label, (label + shift, nodes), block.place)
            made.append(label + shift)
    if block.get("NEW SET"):
        part.sets.setdefault(block.get("NEW SET"), []).extend(made)


def _copy_element(part: Part, old: int, new: tuple[int, int], place: Place) -> None:
    """Add an element like an old one: new label, shift of the labels of its nodes."""
    label, shift = new
    part.add_element(label, tuple(n + shift for n in part.elements[old]), place)
    if old in part.trusses:
        part.trusses.add(label)


def _check_defined(part: Part, labels: "tuple[int, ...] | list[int]", place: Place) -> None:
    for label in labels:
        if label not in part.labels:
            raise place.error(f"node {label} is not defined above")


def local_frame(block: Block) -> tuple[Vector, Float[np.ndarray, "3 3"]] | None:
    """``*SYSTEM``: origin and axes (rows) of the coordinates that follow; None: global."""
    rows = [
        [number(w, place, "*SYSTEM") if w else 0.0 for w in words] for words, place in block.lines
    ]
    if not rows:
        return None
    first = np.array((rows[0] + [0.0] * 6)[:6])
    origin, axes = first[:3], np.eye(3)
    if len(rows[0]) > 3:
        x = first[3:] - origin
        inside = np.array((rows[1] + [0.0] * 3)[:3]) - origin if len(rows) > 1 else None
        if inside is None:  # turned about z
            x, inside = x * [1, 1, 0], np.array([-x[1], x[0], 0.0])
        z = np.cross(x, inside)
        if not np.linalg.norm(x) > 0 or not np.linalg.norm(z) > 0:
            raise block.error("the points do not give two directions")
        x, z = x / np.linalg.norm(x), z / np.linalg.norm(z)
        axes = np.stack([x, np.cross(z, x), z])
    return origin, axes


def to_global(
    position: tuple[float, float, float],
    system: str,
    frame: tuple[Vector, Float[np.ndarray, "3 3"]] | None,
) -> tuple[float, float, float]:
    """Return the global position of a node.

    Args:
        position: As the deck gives it.
        system: "" or "R": rectangular; "C": radius, angle and z; "S": radius, angle in the plane,
            angle out of it; degrees.
        frame: Of :func:`local_frame`.
    """
    if system in ("C", "S"):
        r, theta, last = position
        a = math.radians(theta)
        if system == "C":
            position = (r * math.cos(a), r * math.sin(a), last)
        else:
            b = math.radians(last)
            flat = r * math.cos(b)
            position = (flat * math.cos(a), flat * math.sin(a), r * math.sin(b))
    if frame is not None:
        x, y, z = (frame[0] + np.array(position) @ frame[1]).tolist()
        position = (x, y, z)
    return position
