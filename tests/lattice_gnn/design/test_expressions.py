"""Quantities and constraints as text."""

import contextlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice_gnn.cells.named import cell
from lattice_gnn.design.expressions import known_quantities, read_constraint, read_quantity
from lattice_gnn.design.quantities import Constraint, Quantity
from lattice_gnn.design.state import DesignState
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.batch import LatticeBatch
from lattice_gnn.tensors.stiffness import Stiffness

OCTET = cell("octet", relative_density=0.1)
STATE = DesignState(
    LatticeBatch.from_lattices([OCTET]), Stiffness.cubic(0.03, 0.01, 0.012).mandel[None]
)
C = Stiffness(STATE.mandel[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("E[111]", C.young_modulus([1.0, 1, 1])),
        ("E[1-10]", C.young_modulus([1.0, -1, 0])),
        ("E[0.5, 1, 0]", C.young_modulus([0.5, 1, 0])),
        ("E[ 1  0 -1 ]", C.young_modulus([1.0, 0, -1])),
        ("poisson[100][010]", C.poisson_ratio([1.0, 0, 0], [0, 1.0, 0])),
        ("G[100][011]", C.shear_modulus([1.0, 0, 0], [0, 1.0, 1])),
        ("average_modulus[bulk][voigt]", C.bulk_modulus("voigt")),
        ("zener", 1.2),
        ("2*zener - 0.4/2 + 1e-1", 2.3),
        ("-(zener - 2) * 0.5", 0.4),
        ("1 - 2 - zener", -2.2),
        ("12/zener/2", 5.0),
        ("E[100]/relative_density", C.young_modulus([1.0, 0, 0]) / OCTET.relative_density),
        ("eigenvalue_ratio[5]", (0.03 + 0.02) / 0.024),
    ],
)
def test_an_expression_has_the_value_of_its_arithmetic(text, value):
    assert read_quantity(text)(STATE).item() == pytest.approx(float(value), rel=1e-12)


@pytest.mark.parametrize("text", known_quantities())
def test_every_listed_quantity_is_read_and_finite(text):
    values = read_quantity(text, OCTET)(STATE)
    assert len(values) == 1
    assert bool(torch.isfinite(values).all())


@pytest.mark.parametrize("text", [x for x in known_quantities() if x != "node_displacement"])
def test_names_are_read_back(text):
    assert read_quantity(read_quantity(text).name).name == text


@pytest.mark.parametrize(
    ("text", "violation"),
    [
        ("relative_density <= 0.08", 0.25),
        ("relative_density>=0.08", 0.0),
        ("0.08 >= relative_density", 0.25),
        ("zener == 1", 0.2),
        (
            "E[100] >= 2*E[111]",
            float(2 * C.young_modulus([1.0, 1, 1]) - C.young_modulus([1.0, 0, 0])),
        ),
    ],
)
def test_a_constraint_measures_its_violation(text, violation):
    constraint = read_constraint(text)
    assert constraint.violation(STATE).item() == pytest.approx(violation, abs=1e-12)


def test_displacements_are_measured_from_the_start():
    assert read_constraint("node_displacement <= 0.1", OCTET).violation(STATE).item() == 0.0
    with pytest.raises(LatticeGnnError, match="needs the lattice"):
        read_constraint("node_displacement <= 0.1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "ends too early"),
        ("E[111]", "expected <=, >= or =="),
        ("E[111] >=", "ends too early"),
        ("E[111] > 0.1", "expected <=, >= or =="),
        ("0.1 <= relative_density <= 0.2", "two constraints"),
        ("0.1 <= 0.2", "compares two numbers"),
        ("strength <= 1", r"unknown quantity strength; known are E\[111\].*clearance"),
        ("E >= 0.1", r"written as E\[111\]"),
        ("E[11] >= 0.1", "three numbers"),
        ("E[000] >= 0.1", "length zero"),
        ("poisson[100][200] <= 0", "parallel"),
        ("zener[1] <= 1", "takes no arguments"),
        ("eigenvalue_ratio[x] >= 2", "whole number"),
        ("zener / 0 <= 1", "divides by zero"),
        ("(zener <= 1", "not closed"),
        ("zener) <= 1", "expected <=, >= or =="),
        ("zener <= 1 1", "nothing more"),
        ("zener @ 1", "cannot be read"),
        ("__import__('os') <= 1", "cannot be read|unknown quantity"),
        ("-" * 200 + "zener <= 1", "nested too deeply"),
        ("zener <= 1e999", "too large"),
        ("radius/zener <= 1", "several values"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(text, message):
    with pytest.raises(LatticeGnnError, match=message):
        read_constraint(text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["E[111]", "zener", "0.1", "(", ")", "<=", ">=", "+", "-", "*", "/", "[1]", " ", "x"]
        ),
        max_size=12,
    ).map("".join)
    | st.text(max_size=20)
)
def test_any_text_is_read_or_refused_in_one_sentence(text):
    for read, kind in ((read_quantity, Quantity), (read_constraint, Constraint)):
        with contextlib.suppress(LatticeGnnError):
            assert isinstance(read(text), kind)
