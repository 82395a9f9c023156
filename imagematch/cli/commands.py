"""The commands together, and how what goes wrong becomes a message and an exit code."""

import errno
import io
import os
import sys

import click

from imagematch import __version__
from imagematch.cli.bench import bench_command
from imagematch.cli.console import say
from imagematch.cli.decide import decide_command, decisions_group
from imagematch.cli.doctor import doctor_command
from imagematch.cli.gallery import gallery_group
from imagematch.cli.hot import hot_group
from imagematch.cli.ignore import ignore_group
from imagematch.cli.index import index_command
from imagematch.cli.link import link_command
from imagematch.cli.query import query_command
from imagematch.cli.reindex import reindex_command
from imagematch.cli.status import status_command
from imagematch.errors import ImagematchError, IndexUnavailable


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
    decide_command,
    decisions_group,
    ignore_group,
    hot_group,
    reindex_command,
    status_command,
    doctor_command,
    bench_command,
):
    cli.add_command(_command)


#: The disk, the quota or the largest file allowed is full.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def run() -> None:
    """Run the command line and turn what goes wrong into a message and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        # File names in any script, also where the terminal or a redirected file is not UTF-8.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = cli.main(standalone_mode=False)
    except SystemExit:
        # Click and Rich end like this when the reader of our output has seen enough (`| head`).
        sys.exit(0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        say("Stopped. Run the same command again to go on.")
        sys.exit(130)
    except ImagematchError as error:
        say(f"{'Stopped' if error.exit_code == 130 else 'Error'}: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno in _NO_ROOM:
            say(f"Error: no room left on the disk: {error}. Free some space and run again.")
        elif error.filename is not None:
            say(f"Error: {os.fsdecode(error.filename)} can't be used: {error.strerror}")
        else:
            raise
        sys.exit(IndexUnavailable.exit_code)
    # What a command gives to `Exit` comes back as a value; a command that is done returns None.
    sys.exit(status)
