"""The dialect of a deck: Abaqus gives a circle by its radius, CalculiX by its diameters.

The whole deck decides. What one program alone has (an element, a keyword, a parameter) is a sure
clue. Linear beams alone speak for Abaqus, since CalculiX takes circles for quadratic elements only,
unless a comment names CalculiX. Where clues contradict one another, or there are none, the user is
asked.
"""

import re

from data.formats.deck import Block, Deck
from lattice_gnn.errors import LatticeGnnError

DIALECTS = ("abaqus", "calculix")
_ABAQUS_KEYWORDS = frozenset(
    {"PART", "INSTANCE", "ASSEMBLY", "BEAM GENERAL SECTION", "PREPRINT", "SYSTEM", "NGEN", "NFILL",
     "NCOPY", "NMAP", "ELGEN", "ELCOPY", "PARAMETER"}
)  # fmt: skip
_SOLVERS = frozenset(
    {"SPOOLES", "PARDISO", "PASTIX", "ITERATIVE SCALING", "ITERATIVE CHOLESKY", "SGI", "TAUCS"}
)
_SECTION_PARAMETERS = {
    "abaqus": frozenset({"TEMPERATURE", "POISSON", "ROTARY INERTIA"}),
    "calculix": frozenset({"OFFSET1", "OFFSET2", "NODAL THICKNESS"}),
}
_ELEMENTS = {
    "calculix": re.compile(r"B3[12]R"),
    "abaqus": re.compile(r"B33\w*|B3[12](H|OS|OSH)|PIPE3\w*"),
    "linear": re.compile(r"B31"),
    "quadratic": re.compile(r"B32"),
}
_MARK = re.compile(r"\*\*\s*dialect:\s*(abaqus|calculix)\s*", re.IGNORECASE)
_DOUBT = re.compile(r"calculix|\bccx\b|freecad|prepomax|\bcgx\b|mecway", re.IGNORECASE)


def note_clues(deck: Deck, block: Block) -> None:
    """Note what a keyword says about the program that a deck is for."""
    clues = deck.clues
    if block.keyword in _ABAQUS_KEYWORDS:
        clues["abaqus"][f"*{block.keyword}"] = None
    elif block.keyword == "ELEMENT":
        for dialect, pattern in _ELEMENTS.items():
            if pattern.fullmatch(block.get("TYPE")):
                clues[dialect][f"elements of type {block.get('TYPE')}"] = None
    elif block.keyword == "BEAM SECTION":
        if block.get("SECTION") == "CIRC" and block.lines and len(_filled(block)) > 1:
            clues["calculix"]["circles of two numbers"] = None
        for dialect, names in _SECTION_PARAMETERS.items():
            for name in names & block.parameters.keys():
                clues[dialect][f"{name} of *BEAM SECTION"] = None
    else:
        _note_steps(deck, block)


def _note_steps(deck: Deck, block: Block) -> None:
    """Note what keywords of the analysis and of its output say."""
    if block.get("SOLVER") in _SOLVERS:
        deck.clues["calculix"][f"SOLVER={block.get('SOLVER')}"] = None
    elif block.keyword in ("NODE FILE", "EL FILE") and block.get("OUTPUT") in ("2D", "3D"):
        deck.clues["calculix"][f"OUTPUT={block.get('OUTPUT')}"] = None
    elif block.keyword == "OUTPUT" and {"FIELD", "HISTORY"} & block.parameters.keys():
        deck.clues["abaqus"]["*OUTPUT with FIELD or HISTORY"] = None


def _filled(block: Block) -> list[str]:
    return [word for word in block.lines[0][0] if word]


def note_comments(deck: Deck, comments: list[str]) -> None:
    """Note our own mark, and comments that name CalculiX."""
    for line in comments:
        if mark := _MARK.fullmatch(line):
            deck.clues["mark"][mark[1].lower()] = None
        elif _DOUBT.search(line[:1000]) and not line.startswith("** lattice-gnn "):
            deck.clues["doubt"]["a comment that names CalculiX"] = None


def decide(deck: Deck, asked: str | None, where: str) -> str:
    """Return the dialect of a deck.

    Args:
        deck: With all its clues.
        asked: What the user says.
        where: The file, for errors.

    Raises:
        LatticeGnnError: The clues do not decide, and circles depend on it.
    """
    marks, sure = list(deck.clues["mark"]), {key: list(deck.clues[key]) for key in DIALECTS}
    if asked or len(marks) == 1:
        return asked or marks[0]
    found = [key for key in DIALECTS if sure[key]]
    if len(found) == 1:
        return found[0]
    doubt = list(deck.clues["doubt"])
    if not deck.circles:
        return "abaqus"
    if not found and not deck.clues["quadratic"] and not (deck.clues["linear"] and doubt):
        return "abaqus"
    why = "nothing in it says which"
    if found:
        why = f"{sure['abaqus'][0]} speak for Abaqus, {sure['calculix'][0]} for CalculiX"
    elif doubt:
        why = f"there is {doubt[0]}, which proves nothing"
    raise LatticeGnnError(
        f"{where}: a circle is given by its radius in Abaqus and by its diameter in CalculiX, and "
        f"the deck may be of either ({why}); say --dialect abaqus or --dialect calculix."
    )
