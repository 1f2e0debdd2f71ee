"""app refuses what it cannot serve before it opens a page."""

import sys

import pytest

from lattice_gnn.cells.named import cell


@pytest.fixture(autouse=True)
def served(monkeypatch):
    """Calls of the server, which does not run."""
    calls = []
    monkeypatch.setattr("viz.web.app.serve", lambda *arguments: calls.append(arguments))
    return calls


def test_files_are_read_and_served_at_the_given_port(run, octet_file, weights, served):
    result = run("app", octet_file, "--model", weights, "--no-browser")
    assert result.exit_code == 0, result.stderr
    ((app, listener, token, _),) = served
    with listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    assert [lattice.name for lattice in app.lattices] == ["octet"]
    assert len(token) >= 32


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing.json",), "no such file"),
        (("--model", "oracle"), "oracle"),
        (("--port", "70000"), "'--port'"),
    ],
)
def test_what_cannot_be_served_is_refused(arguments, said, run, served):
    result = run("app", *arguments, "--no-browser")
    assert result.exit_code == 2
    assert said in result.stderr
    assert served == []


def test_a_lattice_that_is_too_large_is_refused(run, written, weights, served):
    large = cell("octet", relative_density=0.1).supercell(6)
    result = run("app", written(large), "--model", weights, "--no-browser")
    assert result.exit_code == 2
    assert "5184 struts are too many for the app" in result.stderr
    assert served == []


def test_without_the_extra_it_says_how_to_install_it(run, monkeypatch, served):
    monkeypatch.setitem(sys.modules, "starlette", None)
    result = run("app", "--no-browser")
    assert result.exit_code == 2
    assert "requires starlette: pip install 'lattice-gnn[app]'" in result.stderr
