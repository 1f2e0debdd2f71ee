"""The compiled kernel: small cells solved one by one, without the interpreter lock."""
