"""`python -m tpukit`: the command line."""

import sys

from runtime.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
