"""How the functions of this folder are compiled."""

from functools import partial

import numba

FREEDOMS = 6  #: degrees of freedom of a node; also the number of unit strains
WIDTH = 8
"""Numbers in a row of a block: six, and two zeros that fill a vector register. Loops over a row
take their count from the data (``columns``): where the compiler knows a count as small as this it
unrolls the loop instead of using vector instructions."""
BLOCK = FREEDOMS * WIDTH  #: numbers in a block: six rows

compiled = partial(
    numba.njit,
    nogil=True,
    error_model="numpy",
    # Fast arithmetic that still knows NaN and infinity. The order of a sum depends on the code
    # alone, never on the thread or on the place of a cell in its batch.
    fastmath={"reassoc", "contract", "nsz", "arcp"},
)
"""The decorator of every compiled function: without the interpreter lock, 1/0 is infinite."""
