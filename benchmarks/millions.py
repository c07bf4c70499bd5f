"""Incidents by the million in attached Parquet: ``python -m benchmarks millions [--rows 20000000]``.

Rows are made up at 150,000 places over ten years. Every question is a process of its own: its seconds of computing, the
clock's seconds and its peak of memory are printed, with the goal. The first row is the attaching, the last the disk.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

MAKE = """
COPY (SELECT 'e' || i AS event_id,
    strftime(DATE '2015-01-01' + CAST(floor(random() * 3650) AS INTEGER), '%Y-%m-%d') AS date_start,
    p.longitude, p.latitude, 1 + i % 3 AS where_prec,
    (['Battles', 'Explosions/Remote violence', 'Protests', 'Riots'])[1 + i * 7919 % 4] AS event_type,
    CASE WHEN i % 3 = 0 THEN i % 20 END AS best, 'Ukraine' AS country, 'source ' || (i % 40) AS source,
    'Shelling was reported near the village, number ' || (i % 1000) AS notes
  FROM (SELECT i, CAST(floor(random() * random() * 150000) AS BIGINT) AS k FROM range({rows}) t(i))
  JOIN (SELECT i AS place, round(22 + random() * 18, 4) AS longitude, round(44 + random() * 8.5, 4) AS latitude
        FROM range(150000) t(i)) p ON p.place = k) TO '{path}' (FORMAT parquet)
"""
# what is asked -> the goal in seconds
QUESTIONS = {
    "by type": (["--by", "type"], 2.0),
    "by month": (["--by", "month"], 2.0),
    "by unit": (["--by", "unit"], 2.0),
    "a week in a region": (["--by", "type", "--in", "Kursk", "--from", "2024-05-01", "--to", "2024-05-07"], 0.5),
}


RUN = """
import resource, sys
from geo.cli import main
try:
    main(sys.argv[1:])
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def measured(words: Sequence[str], folder: Path) -> tuple[float, float, float]:
    """Seconds of computing, the clock's seconds, and the peak of memory in MB of one command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", RUN, *words], cwd=folder, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr}")
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, time.perf_counter() - began, int(done.stderr.split()[-1]) / 1024


def run(arguments: Sequence[str]) -> int:
    import duckdb

    from geo.cli import demo

    rows = int(arguments[arguments.index("--rows") + 1]) if "--rows" in arguments else 20_000_000
    with tempfile.TemporaryDirectory(prefix="geo-millions-") as made:
        folder = Path(made)
        list(demo.run(folder))
        with duckdb.connect(config={"memory_limit": "1GB", "threads": 2}) as connection:
            connection.execute(MAKE.format(rows=rows, path=folder / "rows.parquet"))
        print(f"{rows:,} rows, {os.cpu_count()} cores; computing s, clock s, MB, goal s")
        attach = ["attach", "data/kursk.gpkg", "data/many", "rows.parquet", "--dataset", "made up"]
        told = {"attach": (attach, 600.0)}
        told |= {name: (["incidents", "data/kursk.gpkg", *words], goal) for name, (words, goal) in QUESTIONS.items()}
        for name, (words, goal) in told.items():
            spent, clock, memory = measured(words, folder)
            print(f"{name:20} {spent:8.2f} {clock:8.2f} {memory:8.0f} {goal:8.1f}", flush=True)
        size = sum(path.stat().st_size for path in (folder / "data" / "many").rglob("*.parquet"))
        print(f"{'on disk':20} {size / 1e6:8.0f} MB, goal 1,000")
    return 0
