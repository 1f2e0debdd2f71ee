"""The process of the command ``lattice-gnn``: guarded first, then everything else is imported."""

from cli.terminal.interruption import end_when_interrupted


def main() -> None:
    """Run the command line with the arguments of the process."""
    end_when_interrupted()
    from cli.main import main as run

    run()


if __name__ == "__main__":
    main()
