"""``python -m symderive`` is the ``symderive`` command."""

import sys

from symderive.cli import main

if __name__ == "__main__":
    sys.exit(main())
