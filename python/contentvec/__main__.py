"""The command `contentvec`, also as `python -m contentvec`: the command line of the library, in this process."""

import os
import sys

from . import _core


def main() -> int:
    """Does what the arguments say; returns the exit code."""
    return _core.program([b"contentvec", *map(os.fsencode, sys.argv[1:])])


if __name__ == "__main__":
    sys.exit(main())
