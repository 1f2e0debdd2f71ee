"""cells lists the named cells, and defines one."""

from lattice_gnn.cells.named import CELLS, cell_info


def test_cells_lists_every_cell_with_its_counts(run, answer):
    rows = answer("cells")["cells"]
    assert [row["name"] for row in rows] == list(CELLS)
    octet = next(row for row in rows if row["name"] == "octet")
    assert (octet["nodes"], octet["struts"]) == (4, 24)
    for row in rows:
        assert all(cell_info(alias).name == row["name"] for alias in row["aliases"])
    text = run("cells").stdout
    assert all(name in text for name in CELLS)


def test_cells_defines_one(run, answer):
    result = run("cells", "simple cubic")
    assert result.stdout.startswith("sc (")
    assert "cube edges" in result.stdout
    assert answer("cells", "re-entrant")["parameters"]["angle"] == 20.0
    assert "make --param" not in result.stdout
    defined = run("cells", "re-entrant").stdout
    assert "Parameters for `make --param`, with defaults: angle=20, height\n" in defined
