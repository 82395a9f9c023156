"""The commands together, and how what goes wrong becomes a message and an exit code."""

import errno
import io
import os
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import override

import click

from imagematch import __version__
from imagematch.cli.console import say
from imagematch.errors import ImagematchError, IndexUnavailable

#: Where each command is, in the order of `--help`: the module in `imagematch.cli` and its name.
_PLACES = {
    "index": ("index", "index_command"),
    "query": ("query", "query_command"),
    "find": ("find", "find_command"),
    "compare": ("compare", "compare_command"),
    "link": ("link", "link_command"),
    "gallery": ("gallery", "gallery_group"),
    "decide": ("decide", "decide_command"),
    "decisions": ("decide", "decisions_group"),
    "ignore": ("ignore", "ignore_group"),
    "hot": ("hot", "hot_group"),
    "operator": ("operator", "operator_group"),
    "export": ("export", "export_group"),
    "reindex": ("reindex", "reindex_command"),
    "status": ("status", "status_command"),
    "doctor": ("doctor", "doctor_command"),
}


class _Commands(MutableMapping[str, click.Command]):
    """The commands by name, each imported when it is asked for: together they take a second."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, str] | click.Command] = {**_PLACES}

    @override
    def __getitem__(self, name: str) -> click.Command:
        found = self._places[name]
        if isinstance(found, tuple):
            module, command = found
            found = getattr(import_module(f"imagematch.cli.{module}"), command)
            assert isinstance(found, click.Command)
            self._places[name] = found
        return found

    @override
    def __setitem__(self, name: str, command: click.Command) -> None:
        self._places[name] = command

    @override
    def __delitem__(self, name: str) -> None:
        del self._places[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    @override
    def __len__(self) -> int:
        return len(self._places)


@click.group(
    commands=_Commands(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
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


#: The disk, the quota or the largest file allowed is full.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def run(commands: click.Group) -> None:
    """Run a command line and turn what goes wrong into a message and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        # File names in any script, also where the terminal or a redirected file is not UTF-8.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = commands.main(standalone_mode=False)
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
