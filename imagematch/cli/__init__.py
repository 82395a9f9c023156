"""The command line: a thin shell over `imagematch.pipeline`.

Data goes to stdout, everything else to stderr. Exit codes: 0 done; 1 done, but some inputs failed;
2 usage; 3 index missing, damaged or locked; 130 stopped on request.
"""

import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, even while it is being loaded."""
    try:
        # Loading takes half a second, and Ctrl-C may come at any time.
        from imagematch.cli.commands import run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
