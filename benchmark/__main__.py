"""`python -m benchmark`: how well, and how fast, does imagematch do on my photos?"""

import gc
import sys

from imagematch.cli import GC_THRESHOLDS


def main() -> None:
    """Run the benchmark; Ctrl-C ends it without a traceback, even while it is being loaded."""
    gc.set_threshold(*GC_THRESHOLDS)  # what is measured in this process runs as `imagematch` does
    try:
        from benchmark.commands import commands
        from imagematch.cli.commands import run

        run(commands)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
