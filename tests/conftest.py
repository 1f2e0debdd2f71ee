"""One thread for every process of the tests, unless the environment says another number.

Lattices are small here: a second thread would only wait, for long on a busy machine.
"""

import os

from threadpoolctl import threadpool_limits

if "OMP_NUM_THREADS" not in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"
    threadpool_limits(1)  # NumPy is loaded by a plugin of pytest before this file
