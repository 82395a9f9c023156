"""The command line: a thin shell over `imagematch.services.indexing`.

Data goes to stdout, everything else to stderr. Exit codes: 0 done; 1 done, but some inputs failed;
2 usage; 3 index missing, damaged or locked; 130 stopped on request.
"""

import gc
import sys

#: New objects between two searches for cycles, and so on up: Python's own 700 has 1,000,000 matches
#: looked through hundreds of times, and the imports alone for a tenth of a second.
GC_THRESHOLDS = 50_000, 20, 50


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, even while it is being loaded."""
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        # Loading takes half a second, and Ctrl-C may come at any time.
        from imagematch.cli.commands import cli, run

        run(cli)
    except KeyboardInterrupt:
        sys.exit(130)
