"""TopoJSON to GeoJSON: arcs joined to rings, quantised steps summed to coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.errors import GateError
from geo.formats.limits import POSITIONS, refuse_too_many

_DEPTH = {"LineString": 0, "Polygon": 1, "MultiLineString": 1, "MultiPolygon": 2}


def is_topology(document: Any) -> bool:
    """Whether a JSON document is TopoJSON."""
    return isinstance(document, dict) and document.get("type") == "Topology"


def objects(document: Mapping[str, Any], *, path: Path) -> dict[str, list[dict[str, Any]]]:
    """The objects of a topology, each as a list of GeoJSON features."""
    arcs, found = document.get("arcs"), document.get("objects")
    if not isinstance(arcs, list) or not isinstance(found, dict):
        raise GateError(f"{path}: a topology without 'arcs' or 'objects'")
    scale, shift = _transform(document.get("transform"), path)
    quantised = document.get("transform") is not None
    lines = [_arc(arc, scale, shift, quantised, path, number) for number, arc in enumerate(arcs, 1)]
    sizes = [len(line) for line in lines]
    refuse_too_many(path, _positions(found, sizes), POSITIONS + 2 * sum(sizes), "positions, with arcs used again")
    return {str(name): _features(member, lines, scale, shift, path, str(name)) for name, member in found.items()}


def _positions(found: Mapping[str, Any], sizes: Sequence[int]) -> int:
    """How many positions the shapes have when their arcs are put together, counted before that is done."""
    count, left = 0, list(found.values())
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += [one[key] for key in ("arcs", "geometries") if key in one]
        elif isinstance(one, list):
            left += [inner for inner in one if isinstance(inner, (list, dict))]
            numbers = (n if n >= 0 else ~n for n in one if isinstance(n, int))
            count += sum(sizes[n] for n in numbers if n < len(sizes))
    return count


def _transform(member: Any, path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if member is None:
        return np.ones(2), np.zeros(2)
    try:
        scale, shift = np.array(member["scale"], dtype=np.float64), np.array(member["translate"], dtype=np.float64)
        if scale.shape == shift.shape == (2,) and np.isfinite([scale, shift]).all():
            return scale, shift
    except (KeyError, TypeError, ValueError):
        pass
    raise GateError(f"{path}: the topology's 'transform' has no two numbers in 'scale' and 'translate'")


def _arc(
    arc: Any, scale: NDArray[np.float64], shift: NDArray[np.float64], quantised: bool, path: Path, number: int
) -> list[list[float]]:
    try:
        steps = np.array(arc)
        if steps.dtype.kind not in "if" or steps.ndim != 2 or steps.shape[1] < 2:
            raise ValueError
    except ValueError:
        raise GateError(f"{path}: arc {number} of the topology is no list of positions") from None
    steps = steps[:, :2].astype(float)
    with np.errstate(over="ignore", invalid="ignore"):
        line = np.cumsum(steps, axis=0) * scale + shift if quantised else steps
    if not np.isfinite(line).all():
        raise GateError(f"{path}: arc {number} of the topology goes beyond any number")
    made: list[list[float]] = line.tolist()
    return made


def _features(
    member: Any, lines: Sequence[list[list[float]]], scale: NDArray[np.float64], shift: NDArray[np.float64], path: Path,
    name: str,
) -> list[dict[str, Any]]:  # fmt: skip
    if not isinstance(member, dict):
        raise GateError(f"{path}: object {name!r} of the topology is no geometry")
    listed = (member.get("geometries") or []) if member.get("type") == "GeometryCollection" else [member]
    if not isinstance(listed, list):
        raise GateError(f"{path}: object {name!r} of the topology has no list of geometries")
    features: list[dict[str, Any]] = []
    for row, geometry in enumerate(listed, 1):
        properties = geometry.get("properties") or {} if isinstance(geometry, dict) else None
        if not isinstance(properties, dict):
            raise GateError(f"{path}: object {name!r}, geometry {row} is no geometry with properties")
        try:
            made = _geometry(geometry, lines, scale, shift)
        except (IndexError, TypeError, ValueError, KeyError):
            raise GateError(f"{path}: object {name!r}, geometry {row}: it names an arc that is not there") from None
        features.append({"type": "Feature", "properties": dict(properties), "geometry": made})
    return features


def _geometry(
    geometry: Mapping[str, Any],
    lines: Sequence[list[list[float]]],
    scale: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> dict[str, Any] | None:
    kind = geometry.get("type")
    if kind is None:
        return None
    if kind == "GeometryCollection":
        parts = [_geometry(part, lines, scale, shift) for part in geometry["geometries"]]
        return {"type": kind, "geometries": [part for part in parts if part is not None]}
    if kind in ("Point", "MultiPoint"):
        positions = (np.array(geometry["coordinates"], dtype=np.float64)[..., :2] * scale + shift).tolist()
        return {"type": kind, "coordinates": positions}
    return _whole(str(kind), _joined(geometry["arcs"], _DEPTH[str(kind)], lines))


def _whole(kind: str, coordinates: list[Any]) -> dict[str, Any] | None:
    """Without the rings that the grid has folded to a line or a point; None where nothing else is left."""
    if kind == "Polygon":
        coordinates = _open_rings(coordinates)
    elif kind == "MultiPolygon":
        coordinates = [rings for polygon in coordinates if (rings := _open_rings(polygon))]
    return {"type": kind, "coordinates": coordinates} if coordinates else None


def _open_rings(polygon: list[Any]) -> list[Any]:
    return [ring for ring in polygon if len(ring) > 3] if polygon and len(polygon[0]) > 3 else []


def _joined(arcs: Sequence[Any], depth: int, lines: Sequence[list[list[float]]]) -> list[Any]:
    """Arcs end to end; a negative number is the arc numbered ~n, walked backwards; shared ends come once."""
    if depth:
        return [_joined(inner, depth - 1, lines) for inner in arcs]
    joined: list[list[float]] = []
    for number in arcs:
        line = lines[~number][::-1] if number < 0 else lines[number]
        joined += line[1:] if joined else line
    return joined
