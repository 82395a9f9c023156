"""An index opened for writing, or made, with the embedder that its settings name."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from imagematch import presets
from imagematch.settings import DescribeSettings
from imagematch.stores.index import EmbedderRecord, Index
from imagematch.stores.layout import index_exists


@contextmanager
def open_for_writing(
    directory: Path,
    purpose: str,
    actor: str = "",
    *,
    preset: str | None = None,
    redescribe: bool = False,
) -> Iterator[Index]:
    """Open an index, or make one.

    Args:
        purpose: the command, for those who find the index locked.
        actor: who asked for it; "" for the account on this machine.
        preset: of a new index; an existing one may change to another with the same model. None:
            the index's own.
        redescribe: change an existing index to `preset`, whatever its model, and have every photo
            described again.
    """
    with ExitStack() as stack:
        if index_exists(directory):
            index = stack.enter_context(Index.write(directory, purpose, actor))
            _settle_embedder(index, preset, redescribe)
        else:
            settings = presets.for_new_index(directory / "settings.toml", preset)
            embedder = named_embedder(settings.describe)
            created = Index.create(directory, purpose, settings, embedder, actor)
            index = stack.enter_context(created)
        yield index


def _settle_embedder(index: Index, preset: str | None, redescribe: bool) -> None:
    settings = index.settings
    if preset is not None:
        settings = presets.with_preset(settings, preset)
    embedder = named_embedder(settings.describe, index.embedder)
    if redescribe:
        index.change_embedder(embedder)
        index.audit.record("described again", embedder=str(embedder.identity))
    else:
        index.adopt(settings, embedder)


def named_embedder(
    settings: DescribeSettings, known: EmbedderRecord | None = None
) -> EmbedderRecord:
    """Which embedder the settings name; raises as `find_model` and `dimensions`.

    Args:
        known: one that need not be loaded to know its dimensions, where it is the same model.
    """
    from imagematch.kernels import embeddings

    identity = embeddings.identity(settings)
    name = identity.name if settings.model else settings.preset
    if known is not None and known.identity == identity:
        return replace(known, preset=name)
    return EmbedderRecord(name, identity, embeddings.dimensions(settings))
