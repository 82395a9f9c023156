"""The command line: a thin shell over `imagematch.pipeline`.

Data goes to stdout, everything else to stderr. Exit codes: 0 done; 1 done, but some inputs failed;
2 usage; 3 index missing, damaged or locked; 130 stopped on request.
"""

import errno
import os
import sys

import click

from imagematch import __version__
from imagematch.cli.console import say
from imagematch.cli.gallery import gallery_group
from imagematch.cli.index import index_command
from imagematch.cli.link import link_command
from imagematch.cli.query import query_command
from imagematch.errors import ImagematchError, StorageFull


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="imagematch")
def cli() -> None:
    """Find reused photos across sites and against reference galleries.

    imagematch compares photos, never faces: a match says that two files derive from the same
    photograph, and shows why. A person decides what it means.

    \b
    Start with:
      imagematch index FOLDER --site-from-path
      imagematch query PHOTO
      imagematch link --html report.html
    """


for _command in (
    index_command,
    query_command,
    link_command,
    gallery_group,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line and turn what goes wrong into a message and an exit code."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        say("Stopped. Run the same command again to go on.")
        sys.exit(130)
    except ImagematchError as error:
        say(f"{'Stopped' if error.exit_code == 130 else 'Error'}: {error}")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has seen enough; Python would complain once more on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        say(f"Error: no room left on the disk: {error}. Free some space and run again.")
        sys.exit(StorageFull.exit_code)
