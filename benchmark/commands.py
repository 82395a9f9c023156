"""The parts of the benchmark as commands of one program."""

import click

from benchmark.identifiers.identifiers_command import identifiers_command
from benchmark.links.links_command import links_command, relink_command
from benchmark.quality.quality_command import quality_command
from benchmark.speed.speed_command import speed_command


@click.group(
    commands=[
        quality_command,
        speed_command,
        links_command,
        relink_command,
        identifiers_command,
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def commands() -> None:
    """Measure imagematch on any folder of photos.

    Photos are only read. Results go to the folder `bench`: tables, plots, and all data as JSON.
    500 photos or more give sensible figures; with fewer, chance decides.

    \b
    Examples:
      python -m benchmark quality photos
      python -m benchmark speed photos
      python -m benchmark links photos
      python -m benchmark identifiers
    """
