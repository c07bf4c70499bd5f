"""The names that ``import geo`` gives: loaded when asked for, listed, and the old ones with a warning."""

from __future__ import annotations

import pytest

import geo


def test_the_public_names_are_listed_and_there() -> None:
    assert set(dir(geo)) == set(geo.__all__)
    assert all(getattr(geo, name) is not None for name in geo.__all__)


@pytest.mark.parametrize(("old", "new"), [("mend_copy", "repair_archive"), ("weigh_claims", "compare_claims")])
def test_an_old_name_warns_and_works(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"geo\.{old} is now geo\.{new}"):
        assert getattr(geo, old) is getattr(geo, new)
    assert old not in geo.__all__


def test_an_unknown_name_is_none() -> None:
    with pytest.raises(AttributeError, match="no attribute 'draw_maps_of'"):
        geo.__getattr__("draw_maps_of")
