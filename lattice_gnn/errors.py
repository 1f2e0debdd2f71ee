"""The one error that a user can mend."""


class LatticeGnnError(ValueError):
    """Input that cannot be used: what, where, expected against got, and what to do.

    The command line prints the sentence and exits with code 2; everything else is a bug and keeps
    its traceback.
    """
