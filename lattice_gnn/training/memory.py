"""Memory allocator settings: training allocates the same large tensors in every step."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  #: parameters of mallopt(3)


def keep_freed_memory() -> bool:
    """Keep freed memory in the process (glibc); returns whether the setting was applied.

    By default every tensor above some size is mapped and unmapped each time, and the kernel zeroes
    its pages at first use, which costs up to half of a training step. With this setting the process
    keeps its peak memory until it exits. Has no effect except on Linux with glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_MMAP_MAX, 0) and libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1))
