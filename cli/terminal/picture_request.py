"""Options of the command ``render``: which picture they ask for, and which options apply to it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import typer

from cli.terminal.options import is_given
from lattice_gnn.errors import LatticeGnnError

What = Literal["overview", "lattice", "stiffness", "deformation", "modes", "solid", "cuts", "chart"]
Quantity = Literal["E", "G-min", "G-max", "nu-min", "nu-max", "beta"]
Colour = Literal["none", "radius", "energy", "axial", "bending", "joints"]
ThemeName = Literal["light", "dark"]

_APPLIES_TO: dict[str, tuple[What, ...]] = {
    "tile": ("overview", "lattice", "deformation", "modes"),
    "quantity": ("stiffness", "cuts"),
    "compare": ("stiffness", "cuts", "chart"),
    "colour": ("lattice", "deformation", "modes"),
    "strain": ("lattice", "deformation", "solid"),
    "factor": ("deformation", "modes", "solid"),
    "animate": ("deformation", "modes"),
    "gltf": ("overview", "lattice", "stiffness", "deformation", "modes", "solid"),
    "method": ("overview", "stiffness", "cuts", "chart"),
    "element": ("overview", "stiffness", "cuts", "chart"),
    "voxels_per_diameter": ("overview", "stiffness", "cuts", "chart", "solid"),
    "model": ("overview", "lattice", "stiffness", "cuts", "chart"),
}
"""Pictures that an option applies to."""
FIGURES = ("cuts", "chart")
"""Pictures of curves, drawn by Matplotlib into files."""
OF_STRAIN = ("energy", "axial", "bending")


@dataclass(frozen=True, slots=True)
class Request:
    """Options of ``render``; see its help."""

    file: Path
    what: What
    output: Path | None
    animate: Path | None
    gltf: Path | None
    stl: Path | None
    threemf: Path | None
    size: tuple[int, int] | None
    theme: ThemeName
    tiles: tuple[int, int, int]
    quantity: Quantity | None
    compare: tuple[str, ...]
    colour: Colour | None
    strain: str | None
    factor: float | None

    @property
    def exports(self) -> tuple[Path | None, ...]:
        """Files other than the picture."""
        return (self.animate, self.gltf, self.stl, self.threemf)

    @property
    def wants_picture(self) -> bool:
        """Whether a picture is drawn, not only other files."""
        return self.output is not None or not any(self.exports)


def completed(context: typer.Context, request: Request) -> Request:
    """Choose the picture and its file where the options leave it open, and refuse misfits."""
    if not is_given(context, "what"):
        request = replace(request, what=_implied(request))
    _refuse_misfits(context, request)
    if request.output is None and not any(request.exports):
        from viz.gl import has_display

        if request.what in FIGURES or not has_display():
            name = Path(f"{request.file.stem}-{request.what}.png")
            request = replace(request, output=name)
    return request


def _implied(request: Request) -> What:
    """Return the picture that the other options ask for."""
    if request.compare or request.quantity is not None:
        return "stiffness"
    if request.animate is not None:
        return "deformation" if request.strain is not None else "modes"
    if request.colour is not None:
        return "lattice"
    return "overview" if request.strain is None else "deformation"


def _refuse_misfits(context: typer.Context, request: Request) -> None:
    """Refuse options that the picture does not use.

    Raises:
        LatticeGnnError: Naming the first.
    """
    for option, pictures in _APPLIES_TO.items():
        printed = option == "tile" and (request.stl or request.threemf)
        if is_given(context, option) and request.what not in pictures and not printed:
            raise LatticeGnnError(
                f"--{option.replace('_', '-')}: does not apply to --what {request.what}, only to "
                f"{', '.join(pictures)}; leave it out or draw one of these."
            )
    if request.size is not None and not request.wants_picture and request.animate is None:
        raise LatticeGnnError("--size: no picture is drawn; leave it out, or add --output.")
    plain = request.what == "lattice" and request.colour not in OF_STRAIN
    if request.strain is not None and plain:
        raise LatticeGnnError(
            f"--strain: with --what lattice, expected --colour {', '.join(OF_STRAIN)}."
        )
    if request.colour == "joints" and request.what != "lattice":
        raise LatticeGnnError("--colour joints: applies to --what lattice only.")
    if request.factor is not None and not 0 < request.factor < float("inf"):
        raise LatticeGnnError(f"--factor {request.factor:g}: expected a positive number.")
