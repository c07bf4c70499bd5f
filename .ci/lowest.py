"""The lowest versions that the metadata allow, a pip constraint a line."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
for line in [
    *project["dependencies"],
    *(need for extra in project["optional-dependencies"].values() for need in extra),
]:
    found = re.match(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?>=([0-9.]+)", line)
    if found:
        print(f"{found[1]}=={found[2]}")
