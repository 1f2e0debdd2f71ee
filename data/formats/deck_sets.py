"""Which element has which section: the element sets of decks, resolved within limits."""

from collections.abc import Iterator
from dataclasses import replace

from data.formats.deck import Deck, Instance, Part, Section
from data.reading import Place, check_count

_MAX_WORK = 5_000_000  #: members of all sets together


def _unlike(first: Section, second: Section) -> bool:
    """Whether two sections differ in more than their place."""
    return replace(first, place=second.place) != second


class SectionSets:
    """The sets and sections that reach one instance.

    Args:
        deck: The deck.
        part: Mesh of the instance.
        instance: The instance; its sections win over those of the part, and these over those of
            the model.
    """

    def __init__(self, deck: Deck, part: Part, instance: Instance) -> None:
        model = deck.parts.get("", Part())
        home = deck.parts.get(instance.part, Part())
        self.part = part
        self.owners = {instance.name, instance.part}
        self.sets = {**model.sets, **home.sets, **instance.own.sets}
        self.model = model.sections if home is not model else []
        self.sections = [*self.model, *home.sections, *instance.own.sections]
        self.repeated = False  #: whether an element has several sections
        self.work = 0

    def assign(self) -> dict[int, Section]:
        """Return the section of every element; later ones win.

        Raises:
            LatticeGnnError: A section names a set that is not there.
        """
        found: dict[int, Section] = {}
        rest = set(self.part.elements)
        seen: dict[tuple[str, bool], Section] = {}
        for number, (name, section) in reversed(list(enumerate(self.sections))):
            truss, of_model = section.kind == "TRUSS", number < len(self.model)
            exists = self._key(name) is not None
            if (name, truss) in seen:
                self.repeated |= exists and not of_model and _unlike(section, seen[name, truss])
                continue
            seen[name, truss] = section
            if not exists:
                if truss or of_model:
                    continue  # of solids, or of another part
                raise section.place.error(f"there is no element set {name[:60]!r}")
            for label in self._members(name, section.place):
                if (label in self.part.trusses) != truss:
                    continue
                if label in rest:
                    rest.discard(label)
                    found[label] = section
                elif label in found and not of_model:
                    self.repeated |= _unlike(section, found[label])
        return found

    def _key(self, name: str) -> str | None:
        """Return the key of a set, of which a name may begin with that of the instance."""
        if name in self.sets:
            return name
        owner, _, plain = name.rpartition(".")
        return plain if owner in self.owners and plain in self.sets else None

    def _members(self, name: str, place: Place) -> Iterator[int]:
        """Yield the elements of a set; sets inside are followed, each once."""
        done: set[str] = set()
        names = [name]
        while names:
            key = self._key(names.pop())
            if key is None or key in done:
                continue
            done.add(key)
            for entry in self.sets[key]:
                if isinstance(entry, str):
                    names += self._inside(entry)
                    labels: range | list[int] = [int(x) for x in self._label(entry)]
                elif isinstance(entry, range):
                    labels = entry
                    if len(entry) > len(self.part.elements):
                        labels = [label for label in self.part.elements if label in entry]
                        self.work += len(self.part.elements)
                else:
                    labels = [entry]
                self.work += len(labels)
                check_count(self.work, _MAX_WORK, place, "members of sets")
                yield from labels

    def _inside(self, entry: str) -> list[str]:
        """Return the set that an entry names, unless it belongs to another instance."""
        owner, _, _ = entry.rpartition(".")
        return [entry] if not owner or owner in self.owners else []

    def _label(self, entry: str) -> list[str]:
        """Return the label of an entry such as PART-1-1.5, if it is one of this instance."""
        owner, _, label = entry.rpartition(".")
        return (
            [label[:15]] if owner in self.owners and label.isdecimal() and label.isascii() else []
        )
