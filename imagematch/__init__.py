"""imagematch finds reused photos across sites and against reference galleries.

It compares photos, never faces: a match says that two files derive from the same photograph.

    import imagematch

    with imagematch.open("indexes/north") as index:
        index.add("ads", site_from_path=True)
        for match in index.query("photo.jpg").matches:
            print(match.profile, match.confidence, match.why)

All names in `__all__` are stable. They are imported when they are asked for, so that importing
imagematch itself takes no time and loads no model.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagematch.errors import EmbedderUnavailable as EmbedderUnavailable
    from imagematch.errors import ImagematchError as ImagematchError
    from imagematch.errors import IndexDamaged as IndexDamaged
    from imagematch.errors import IndexLocked as IndexLocked
    from imagematch.errors import IndexMissing as IndexMissing
    from imagematch.errors import IndexUnavailable as IndexUnavailable
    from imagematch.errors import KeepsFailing as KeepsFailing
    from imagematch.errors import SourceUnavailable as SourceUnavailable
    from imagematch.errors import Stopped as Stopped
    from imagematch.errors import UsageError as UsageError
    from imagematch.records import Bridge as Bridge
    from imagematch.records import Cluster as Cluster
    from imagematch.records import ClusterChange as ClusterChange
    from imagematch.records import CommonIdentifier as CommonIdentifier
    from imagematch.records import Comparison as Comparison
    from imagematch.records import Decision as Decision
    from imagematch.records import Doubt as Doubt
    from imagematch.records import Drawing as Drawing
    from imagematch.records import Evidence as Evidence
    from imagematch.records import ExportedHashes as ExportedHashes
    from imagematch.records import Failure as Failure
    from imagematch.records import FindResult as FindResult
    from imagematch.records import FoundSighting as FoundSighting
    from imagematch.records import Gallery as Gallery
    from imagematch.records import Geometry as Geometry
    from imagematch.records import HashLead as HashLead
    from imagematch.records import HashResult as HashResult
    from imagematch.records import HotPhoto as HotPhoto
    from imagematch.records import Identifier as Identifier
    from imagematch.records import IgnoredPhoto as IgnoredPhoto
    from imagematch.records import IndexReport as IndexReport
    from imagematch.records import Judgement as Judgement
    from imagematch.records import Link as Link
    from imagematch.records import LinkReport as LinkReport
    from imagematch.records import ListedHashes as ListedHashes
    from imagematch.records import OperatorDecision as OperatorDecision
    from imagematch.records import OperatorEffect as OperatorEffect
    from imagematch.records import PhotoPair as PhotoPair
    from imagematch.records import Profile as Profile
    from imagematch.records import QueryMatch as QueryMatch
    from imagematch.records import QueryResult as QueryResult
    from imagematch.records import Reach as Reach
    from imagematch.records import SharedItem as SharedItem
    from imagematch.records import Stop as Stop
    from imagematch.records import StoredSighting as StoredSighting
    from imagematch.records import UnusableLine as UnusableLine
    from imagematch.runtime.monitor import Progress as Progress
    from imagematch.services.jobs import load as load_jobs
    from imagematch.services.open_index import Index as Index
    from imagematch.services.open_index import compare as compare
    from imagematch.services.open_index import explain as explain
    from imagematch.services.open_index import open_index as open

#: Written here, and not looked up where packages are installed: that takes a twentieth of a second.
__version__ = "0.1.0"

__all__ = [
    "Bridge",
    "Cluster",
    "ClusterChange",
    "CommonIdentifier",
    "Comparison",
    "Decision",
    "Doubt",
    "Drawing",
    "EmbedderUnavailable",
    "Evidence",
    "ExportedHashes",
    "Failure",
    "FindResult",
    "FoundSighting",
    "Gallery",
    "Geometry",
    "HashLead",
    "HashResult",
    "HotPhoto",
    "Identifier",
    "IgnoredPhoto",
    "ImagematchError",
    "Index",
    "IndexDamaged",
    "IndexLocked",
    "IndexMissing",
    "IndexReport",
    "IndexUnavailable",
    "Judgement",
    "KeepsFailing",
    "Link",
    "LinkReport",
    "ListedHashes",
    "OperatorDecision",
    "OperatorEffect",
    "PhotoPair",
    "Profile",
    "Progress",
    "QueryMatch",
    "QueryResult",
    "Reach",
    "SharedItem",
    "SourceUnavailable",
    "Stop",
    "Stopped",
    "StoredSighting",
    "UnusableLine",
    "UsageError",
    "__version__",
    "compare",
    "explain",
    "load_jobs",
    "open",
]

#: Where each public name is, and what it is called there.
_PLACES = {
    "imagematch.errors": """
        EmbedderUnavailable ImagematchError IndexDamaged IndexLocked IndexMissing IndexUnavailable
        KeepsFailing SourceUnavailable Stopped UsageError
    """,
    "imagematch.records": """
        Bridge Cluster ClusterChange CommonIdentifier Comparison Decision Doubt Drawing Evidence
        ExportedHashes Failure FindResult FoundSighting Gallery Geometry HashLead HashResult
        HotPhoto Identifier IgnoredPhoto IndexReport Judgement Link LinkReport ListedHashes
        OperatorDecision OperatorEffect PhotoPair Profile QueryMatch QueryResult Reach SharedItem
        Stop StoredSighting UnusableLine
    """,
    "imagematch.runtime.monitor": "Progress",
    "imagematch.services.jobs": "load",
    "imagematch.services.open_index": "Index compare explain open_index",
}
_OTHER_NAMES = {"load": "load_jobs", "open_index": "open"}
_MODULES = {
    _OTHER_NAMES.get(name, name): (module, name)
    for module, names in _PLACES.items()
    for name in names.split()
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, there = _MODULES[name]
    found = globals()[name] = getattr(import_module(module), there)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
