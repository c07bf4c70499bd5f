"""The archive in QGIS itself, without a screen: layers load, are styled, and the control layer is temporal."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from geo.cli import demo

SYSTEM = "/usr/bin/python3"
LOOK = """
import json, sys
from qgis.core import QgsApplication, QgsDateTimeRange, QgsVectorLayer
from qgis.PyQt.QtCore import QDateTime, Qt
app = QgsApplication([], False)
app.initQgis()
found = {}
for name in ("control", "incidents", "units"):
    layer = QgsVectorLayer(f"{sys.argv[1]}|layername={name}", name, "ogr")
    _, styled = layer.loadDefaultStyle()
    time = layer.temporalProperties()
    renderer = layer.renderer()
    found[name] = {
        "valid": layer.isValid(), "rows": layer.featureCount(), "crs": layer.crs().authid(), "styled": styled,
        "temporal": time.isActive(), "start": time.startField(), "end": time.endField(),
        "title": layer.metadata().title(), "licences": layer.metadata().licenses(),
        "labels": [c.label() for c in renderer.categories()] if hasattr(renderer, "categories") else [],
    }
print(json.dumps(found))
"""


def content(path: Path) -> list[str]:
    """All that a file holds; in its header QGIS takes out the mode of the log and counts that as a change."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What QGIS says of the bundled example's layers."""
    if (
        not Path(SYSTEM).exists()
        or subprocess.run([SYSTEM, "-c", "import qgis.core"], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs QGIS's Python (Debian: python3-qgis)")
    folder = tmp_path_factory.mktemp("qgis")
    path = demo.build(folder / "kursk.gpkg").path
    before = content(path)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}
    done = subprocess.run([SYSTEM, "-c", LOOK, str(path)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert content(path) == before
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_qgis_opens_every_layer(seen: dict[str, dict[str, object]]) -> None:
    for layer in seen.values():
        assert layer["valid"]
        assert layer["crs"] == "EPSG:4326"
        assert int(str(layer["rows"])) > 0


def test_qgis_shows_what_a_layer_is_and_its_licence(seen: dict[str, dict[str, object]]) -> None:
    assert all(layer["title"] for layer in seen.values())
    assert seen["control"]["licences"] == ["CC BY 4.0"]


def test_qgis_styles_them_and_names_the_classes(seen: dict[str, dict[str, object]]) -> None:
    assert all(layer["styled"] for layer in seen.values())
    assert {"Held by Ukraine", "Contested or unknown"} <= set(seen["control"]["labels"])  # type: ignore[arg-type]


def test_qgis_finds_the_time_of_control_and_incidents(seen: dict[str, dict[str, object]]) -> None:
    assert seen["control"]["temporal"]
    assert (seen["control"]["start"], seen["control"]["end"]) == ("valid_from", "valid_to")
    assert seen["incidents"]["temporal"]
    assert (seen["incidents"]["start"], seen["incidents"]["end"]) == ("date_start", "date_end")
