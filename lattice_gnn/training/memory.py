"""Keep freed memory in the process: training allocates the same large tensors in every step."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  #: parameters of mallopt(3)


def keep_freed_memory() -> bool:
    """Tell glibc not to hand freed memory back to the system; returns whether it could be told.

    By default every tensor above some size is mapped and unmapped anew, and its pages are zeroed by
    the kernel when they are first touched, which costs up to half of a training step. The process
    then keeps its peak memory until it ends. Elsewhere than on Linux with glibc nothing happens.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_MMAP_MAX, 0) and libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1))
