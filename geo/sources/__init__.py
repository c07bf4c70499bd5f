"""Every source that can be read, by the name used on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from geo.assets import ASSETS, read_toml
from geo.errors import FileError, GeoError, UsageError
from geo.presentation.sides import near_words
from geo.schema import Kind, Options, Rows, Snapshot, Source

if TYPE_CHECKING:
    from geo.sources.base import Reader

KNOWN: Mapping[str, Mapping[str, Any]] = read_toml("readers.toml")
GROUP = "geo_control.sources"  # the entry points under which other packages give readers
# what a reader of another package may fail with: one bad file is to stop none of the others
_FAILURES = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError, RuntimeError)


def names() -> tuple[str, ...]:
    """Every source that can be read: ours, then those of other packages that are installed."""
    return (*KNOWN, *plugins())


def plugins() -> dict[str, EntryPoint]:
    """The readers of other packages, by name; one of a name of ours is passed over."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point for point in found if point.name not in KNOWN}


def plugin_words() -> dict[str, str]:
    """Each source of another package, with the package and its version."""
    return {
        name: f"{point.dist.name} {point.dist.version}" if point.dist else point.value
        for name, point in plugins().items()
    }


def reader(name: str) -> Reader:
    if name not in KNOWN:
        return _reader_of_plugin(name)
    module, _, attribute = KNOWN[name]["reader"].partition(".")
    found: Reader = getattr(import_module(f"geo.sources.{module}"), attribute or "READER")
    return found


def plugin(name: str) -> Any:
    """The object that another package gives for a source: ``source``, ``kind`` and ``read(path, options)``."""
    known = plugins()
    if name not in known:
        near = near_words(name, {each: (each,) for each in names()})
        raise UsageError(f"no source {name!r}; there are: {', '.join(names())}; a desk's own files are 'vector'{near}")
    where = f"source {name!r} of {plugin_words()[name]}"
    try:
        given = known[name].load()
    except (ImportError, SyntaxError, *_FAILURES) as error:
        raise UsageError(f"{where} cannot be loaded ({error}): its package is to be mended") from error
    lacks = [what for what in ("source", "kind", "read") if not hasattr(given, what)]
    if lacks or given.kind not in get_args(Kind) or not isinstance(given.source, Source) or not callable(given.read):
        wanted = f"a geo.Source, a kind ({', '.join(get_args(Kind))}) and read(path, options)"
        raise UsageError(f"{where} is no reader{f' (it lacks {lacks[0]})' if lacks else ''}: wanted are {wanted}")
    return given


def _reader_of_plugin(name: str) -> Reader:
    given = plugin(name)

    def read(path: Path, options: Options) -> Any:
        try:
            found = given.read(path, options)
        except GeoError:
            raise
        except _FAILURES as error:
            raise FileError(f"{path}: the reader of {name} failed on it ({type(error).__name__}: {error})") from error
        wanted = Snapshot if given.kind == "control" else Rows
        parts = found if isinstance(found, list | tuple) else [found]
        if not parts or not all(isinstance(part, wanted) for part in parts):
            raise FileError(f"{path}: the reader of {name} gave no {wanted.__name__} of geo.schema")
        return parts if given.kind == "control" else parts[0]

    made: Reader = import_module("geo.sources.base").Reader(given.source, given.kind, read)
    return made


def shipped_units() -> list[Path]:
    """The boundary sets that the package ships, coarsest first."""
    folder = ASSETS / "units"
    return [folder / "countries.geojson", folder / "admin1_ua_ru.geojson"]
