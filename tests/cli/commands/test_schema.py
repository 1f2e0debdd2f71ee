"""The JSON of every command follows the schema that is documented, and reads back as a document."""

import json
from pathlib import Path

import numpy as np
import pytest

from data.datasets.file import write_dataset
from data.formats.lat import CatalogueEntry, write_lat
from data.labelling.generate import make_batch
from data.populations.population import Population
from fem_reference.beam import homogenise_beam
from lattice_gnn.cells.named import cell
from lattice_gnn.lattice.json_file import write_lattices
from lattice_gnn.lattice.lattice import Lattice
from lattice_gnn.reports import schema as schemas

PAGE = Path(__file__).parents[3] / "docs" / "json.md"
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def complaints(value, schema, defs, place="document"):
    """What a JSON value does against a JSON schema of draft 2020-12, as far as we use it."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        choices = [complaints(value, choice, defs, place) for choice in schema["anyOf"]]
        return [] if [] in choices else min(choices, key=len)
    if "const" in schema:
        return [] if value == schema["const"] else [f"{place}: {value!r}"]
    if "type" not in schema:
        return []
    kind, boolean = TYPES[schema["type"]], schema["type"] == "boolean"
    if not isinstance(value, kind) or isinstance(value, bool) != boolean:
        return [f"{place}: {value!r} is no {schema['type']}"]
    if isinstance(value, dict):
        return _of_object(value, schema, defs, place)
    return _of_array(value, schema, defs, place) if isinstance(value, list) else []


def _of_object(value, schema, defs, place):
    properties, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    required = schema.get("required", ())
    found = [f"{place}: lacks {name}" for name in required if name not in value]
    for key, entry in value.items():
        inner = properties.get(key, rest)
        if inner is False:
            found.append(f"{place}: {key} is not in the schema")
        elif inner is not True:
            found += complaints(entry, inner, defs, f"{place}.{key}")
    return found


def _of_array(value, schema, defs, place):
    first = schema.get("prefixItems", [])
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return [f"{place}: {len(value)} entries"]
    return [
        complaint
        for k, entry in enumerate(value)
        for complaint in complaints(
            entry, first[k] if k < len(first) else schema.get("items", {}), defs, f"{place}[{k}]"
        )
    ]


def follows_its_schema(document):
    """Check against the JSON schema, and that nothing is lost on the way through the dataclass."""
    schema = schemas.json_schema(schemas.find_document(document["schema"]))
    assert complaints(document, schema, schema.get("$defs", {})) == []
    assert schemas.read_document(document).to_dict() == document
    return document["schema"].removeprefix("lattice-gnn/")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One lattice, two lattices, a layer, a catalogue, a dataset."""
    folder = tmp_path_factory.mktemp("files")
    octet = cell("octet", relative_density=0.05).replace(name="octet")
    thick = cell("isotruss", radius=0.15).replace(name="thick")
    write_lattices(folder / "one.json", octet)
    write_lattices(folder / "two.json", [octet, thick])
    layer = Lattice(np.eye(3), [[0, 0, 0]], [[0, 0], [0, 0]], np.eye(3)[:2], 0.05)
    write_lattices(folder / "layer.json", layer)
    write_lattices(folder / "solid.json", cell("sc", radius=0.2))
    stiffness = homogenise_beam([octet]).stiffness[0]
    entries = [CatalogueEntry(octet, references=((octet.relative_density, stiffness),))]
    write_lat(folder / "catalogue.lat", entries)
    population = Population(count=16, seed=6, draws=1, density_range=(0.1, 0.2))
    dataset = make_batch(population, 0)
    write_dataset(folder / "set.h5", dataset.select(np.arange(2)))
    return folder


SOLID = ("--method", "solid", "--voxels-per-diameter", "4")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("predict", "one.json"), "prediction/1"),
        (("predict", "one.json", "--check"), "prediction/1"),
        (("predict", "two.json"), "predictions/1"),
        (("homogenise", "one.json", "--fields"), "homogenisation/1"),
        (("homogenise", "layer.json", "--fields"), "homogenisation/1"),
        (("homogenise", "solid.json", *SOLID), "homogenisation/1"),
        (("homogenise", "two.json"), "homogenisations/1"),
        (("homogenise", "solid.json", "solid.json", *SOLID), "homogenisations/1"),
        (("info", "one.json"), "info/1"),
        (("info", "two.json", "layer.json"), "infos/1"),
        (("cells",), "cells/1"),
        (("cells", "re-entrant"), "cell/1"),
        (("validate", "catalogue.lat"), "validation/1"),
        (("validate", "catalogue.lat", "--method", "network"), "validation/1"),
        (("evaluate", "affine", "catalogue.lat"), "evaluation/1"),
        (("evaluate", "affine", "set.h5", "--part", "test", "--shares", "0,0,1"), "evaluation/1"),
        (("design", "one.json", "--minimise", "zener", "-o", "NEW.json"), "design/1"),
        (("data", "info", "set.h5"), "dataset/1"),
        (("data", "check", "set.h5", "--spots", "1"), "dataset-check/1"),
        (("generate", "-o", "NEW", "--count", "2", "--workers", "1"), "dataset/1"),
        (("label", "set.h5", "-o", "NEW", *SOLID[2:], "--workers", "1"), "solid-labels/1"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else None,
)
def test_the_json_of_every_command_follows_its_schema(
    words, kind, answer, files, weights, tmp_path
):
    places = {path.name: str(path) for path in files.iterdir()} | {
        "NEW": str(tmp_path / "new.h5"),
        "NEW.json": str(tmp_path / "new.json"),
    }
    options = ("--model", weights) if "predict" in words or "network" in words else ()
    document = answer(*(places.get(word, word) for word in words), *options)
    assert follows_its_schema(document) == kind


def test_the_json_inside_a_report_follows_its_schema(run, files, weights, tmp_path):
    page = tmp_path / "page.html"
    options = ("--model", weights, "-o", page, *SOLID[2:])
    methods = [word for name in ("network", "beam", "solid") for word in ("--method", name)]
    result = run("report", files / "solid.json", *options, *methods)
    assert result.exit_code == 0, result.stderr
    text = page.read_text(encoding="utf-8").partition('id="report">')[2].partition("</script>")[0]
    assert follows_its_schema(json.loads(text)) == "report/1"


def test_the_committed_comparison_follows_its_schema():
    path = PAGE.parents[1] / "benchmarks" / "comparison" / "results.json"
    results = json.loads(path.read_text(encoding="utf-8"))
    assert follows_its_schema(results["beam labels"]) == "comparison/1"


def test_the_page_of_the_documentation_is_what_the_command_prints(run):
    assert run("schema", "--markdown").stdout == PAGE.read_text(encoding="utf-8")


def test_documents_are_listed_and_their_schemas_printed(run):
    listed = [line.split()[0] for line in run("schema").stdout.splitlines()]
    assert listed == [kind.SCHEMA for kind in schemas.DOCUMENTS]
    for name in listed:
        found = json.loads(run("schema", name).stdout)
        assert found["properties"]["schema"]["const"] == f"lattice-gnn/{name}"


def test_an_unknown_document_is_refused_in_one_sentence(run):
    result = run("schema", "opinion")
    assert result.exit_code == 2
    assert "unknown document; expected one of prediction/1" in result.stderr


def test_the_page_is_of_all_documents(run):
    result = run("schema", "prediction", "--markdown")
    assert result.exit_code == 2
    assert "--markdown: prints all documents; leave out prediction." in result.stderr
