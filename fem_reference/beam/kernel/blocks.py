"""Sizes of the blocks of numbers in which the kernel computes."""

FREEDOMS = 6  #: degrees of freedom of a node; also the number of unit strains
WIDTH = 8
"""Numbers in a row of a block: six, and two zeros to fill a vector register. Loops over a row take
their count from the data (``columns``): with a small count known at compile time the compiler
unrolls the loop instead of vectorising it."""
BLOCK = FREEDOMS * WIDTH  #: numbers in a block: six rows
