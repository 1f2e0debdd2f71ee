"""Optimiser and learning rate of every network on solid labels, chosen by short runs.

Each network learns all labels for ``PROBE`` core-minutes with each of ``RECIPES``; the one with the
smallest mean error of C on the validation part is taken for all its runs. The short runs are rows
of the results like others (``solid_runs.py``).
"""

from dataclasses import replace

from results_file import Run, SolidResults
from solid_models import Network, Recipe, networks, trained
from solid_runs import RECIPE, Kind
from solid_training import Budget

from data.experiments.recipe import read_recipe
from lattice_gnn.network.joints import JointModel

RECIPES: dict[str, Recipe] = {
    "AdamW 0.002": ("adamw", 2e-3),
    "SOAP 0.003": ("soap", 3e-3),
    "SOAP 0.01": ("soap", 1e-2),
}
PROBE = 0.2
WHOLE = Budget(minutes=1.0, minutes_few=0.3, validations=10)
"""Budget of every network that is no joint network."""


def probed() -> dict[str, Network]:
    """Return all networks by name, the joint network among them."""
    recipe = read_recipe(RECIPE)
    return networks() | {"network": Network(recipe.model, JointModel, recipe.train)}


def probes_of(only: str) -> list[Run]:
    """Return the short runs of one model, or of all."""
    return [probe(name, recipe) for name in probed() if only in (name, "all") for recipe in RECIPES]


def probe(name: str, recipe: str) -> Run:
    """Return the short run of a network with a recipe."""
    return Run(f"{name}, {recipe}")


def probe_kinds() -> dict[str, Kind]:
    """Return the models of the short runs by name."""
    return {
        probe(name, title).name: replace(trained(network, recipe, Budget(PROBE)), is_probe=True)
        for name, network in probed().items()
        for title, recipe in RECIPES.items()
    }


def best_recipe(name: str, stored: SolidResults) -> str | None:
    """Return the recipe with the smallest error on the validation part, if all are tried."""
    found = {recipe: stored.done([probe(name, recipe)]) for recipe in RECIPES}
    errors = {
        recipe: result.validation
        for recipe, results in found.items()
        for result in results
        if result.validation is not None
    }
    return min(errors, key=errors.__getitem__) if len(errors) == len(RECIPES) else None


def network_kinds(stored: SolidResults) -> dict[str, Kind]:
    """Return those of the networks, joint networks apart, whose recipe is chosen."""
    best = {name: best_recipe(name, stored) for name in networks()}
    return {
        name: trained(network, RECIPES[recipe], WHOLE)
        for name, network in networks().items()
        if (recipe := best[name]) is not None
    }
