"""The command `secretary`. Its imports take a second or two, and Ctrl-C during them is an end like any other."""

import sys
from importlib import import_module


def main() -> None:
    """Run the command line."""
    try:
        import_module("orchestrator").main()
    except KeyboardInterrupt:
        sys.exit(130)
