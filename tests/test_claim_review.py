"""A verdict for search engines: schema.org's ClaimReview with its required members, and text that stays text."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from click.testing import CliRunner

import geo
from geo.cli import main

CLAIM = "Ukraine still holds more than 500 square kilometres of Kursk region</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("review") / "war.gpkg"
    ground = gpd.GeoDataFrame(geometry=[shapely.box(35.0, 51.1, 35.3, 51.3)], crs=4326)
    source = geo.Source("desk", "The desk", url="https://example.org/", licence="CC BY 4.0", attribution="Desk")
    given = {"date": "2025-01-11", "controller": "UA", "status": "held"}
    geo.open_archive(path).add_control(ground, source=source, **given)
    return path


def test_a_review_has_what_schema_org_wants_and_ends_no_script(archive: Path) -> None:
    asked = ["claims", str(archive), "--text", CLAIM, "--date", "2025-01-11", "--set", "said_by=A <b>spokesman</b>"]
    told = ["--format", "claimreview", "--publisher", "Our desk", "--url", "https://example.org/check"]
    result = CliRunner().invoke(main, [*asked, *told])
    assert result.exit_code == 0, result.output
    assert "<" not in result.stdout
    review = json.loads(result.stdout)
    assert (review["@context"], review["@type"]) == ("https://schema.org", "ClaimReview")
    assert review["claimReviewed"] == CLAIM
    assert review["url"] == "https://example.org/check"
    assert review["author"] == {"@type": "Organization", "name": "Our desk"}
    assert review["itemReviewed"]["author"]["name"] == "A <b>spokesman</b>"
    rating = review["reviewRating"]
    assert rating["@type"] == "Rating"
    assert "desk" in rating["alternateName"]
    assert "desk@2025-01-11" in rating["ratingExplanation"]
    assert review["isBasedOn"][0]["license"] == {"@type": "CreativeWork", "name": "CC BY 4.0"}
    assert None not in review.values()


@pytest.mark.parametrize(
    "wrong", [["--format", "claimreview"], ["--publisher", "Our desk"], ["--url", "https://example.org"]]
)
def test_publisher_and_format_go_together(wrong: list[str], archive: Path) -> None:
    result = CliRunner().invoke(main, ["claims", str(archive), "--text", CLAIM, "--date", "2025-01-11", *wrong])
    assert result.exit_code != 0
    assert "--publisher" in result.output
