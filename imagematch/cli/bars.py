"""Progress bars for a terminal."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.table import Column
from rich.text import Text


def bars(console: Console) -> Progress:
    """Bars that show how much is done, and what the field `told` of a task says about it."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Told(Column(no_wrap=True)),
        console=console,
    )


class _Told(ProgressColumn):
    """How fast a stage goes, and how long it still takes."""

    def render(self, task: Task) -> Text:
        return Text(task.fields["told"](), style="progress.remaining")
