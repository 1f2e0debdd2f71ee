"""The committed bundle belongs to its sources."""

import hashlib
from pathlib import Path

import viz.web
from viz.web.page import resource

FOLDER = Path(viz.web.__file__).parent
LONGEST_FILE = 400


def sources():
    """Files of which the bundle is made, in order."""
    names = [path for path in (FOLDER / "src").iterdir() if path.suffix == ".ts"]
    return sorted([*names, FOLDER / "src" / "package.json"], key=lambda path: path.name)


def test_the_bundle_was_built_from_these_sources():
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources())).hexdigest()
    head = resource("front.js").partition("*/")[0]
    assert f"sha256 {digest}" in head, "the bundle is older than its sources: run `make front`"


def test_the_bundle_has_the_licence_of_three_js_and_asks_for_nothing_outside():
    head, _, code = resource("front.js").partition("*/")
    assert "three.js authors" in head
    assert "Permission is hereby granted" in head
    assert "</script" not in code
    assert len(code) < 700_000
    assert "import(" not in code


def test_sources_are_short():
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in sources()}
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE} == {}
