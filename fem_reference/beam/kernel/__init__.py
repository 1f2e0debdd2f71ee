"""Compiled kernel: solves small cells one by one, without the interpreter lock."""
