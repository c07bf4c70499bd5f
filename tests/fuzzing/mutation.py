"""Ways of spoiling a file: bytes, tokens, JSON trees, CSV cells, the content of a zip, lines of text, keys of TOML."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from tests.fuzzing.corpus import Seed

TOKENS = (
    b"NaN", b"Infinity", b"-1e999", b"1e308", b"0", b"-0", b"null", b"[[[[[[[[", b"]]]]]]", b"{", b"}", b'"', b"''", b",", b";",
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"<![CDATA[", b"]]>",
    b"<script>", b"{{7*7}}", b"{% x %}", b"=cmd|' /C calc'!A0", b"'; DROP TABLE control;--", b"../../../x", b"%s%n",
    b"9999-99-99", b"0000-00-00", b"2025-02-30", b"10000-01-01", b"180.0000001", b"-91", b"1" * 400, b"9223372036854775808",
    b"\r\n", b"\n\n\n", b"\t", "٣".encode(), "𝟙".encode(), b"\xed\xa0\x80",
)  # fmt: skip
JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 2**63, 2**200, "", "x" * 5000, "NaN", [], {}, [[]], [None], {"a": {}}, [1], [1, 2],
    [[1, 2], [3, 4], [5, 6], [1, 2]], "2025-13-01", "2025-01-11T25:00Z", " ", "\ud7ff", "=1+1", -180.0001, 91, 1e-320,
)  # fmt: skip


def spoil_bytes(content: bytes, rng: random.Random) -> bytes:
    """One to four changes of bytes."""
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at, kind = rng.randrange(len(out) + 1), rng.randrange(6)
        end = min(len(out), at + rng.choice((1, 2, 8, 64, 1024)))
        if kind == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del out[at:end]
        elif kind == 2:
            out[at:at] = rng.choice(TOKENS)
        elif kind == 3:
            out[at:end] = rng.choice(TOKENS)
        elif kind == 4:
            out[at:at] = out[at:end] * rng.choice((1, 2, 50))
        else:
            out[at:end] = rng.randbytes(end - at)
    return bytes(out[: rng.randrange(len(out) + 1)] if rng.random() < 0.06 else out)


def spoil_json(content: bytes, rng: random.Random) -> bytes:
    """One to three nodes of the tree replaced, dropped, doubled or nested."""
    try:
        document = json.loads(content)
        for _ in range(rng.choice((1, 1, 2, 3))):
            _spoil_node(document, rng)
        return json.dumps(document, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return spoil_bytes(content, rng)


def _spoil_node(document: Any, rng: random.Random) -> None:
    parent, keys = document, list(_keys(document))
    while keys and rng.random() < 0.85:
        inner = parent[rng.choice(keys)]
        if not _keys(inner):
            break
        parent, keys = inner, list(_keys(inner))
    if not keys:
        return
    key, kind = rng.choice(keys), rng.randrange(5)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, list):
        parent.extend(deepcopy(parent) * rng.choice((1, 20)))
    elif kind == 2:
        for _ in range(rng.choice((1, 30, 300))):
            parent[key] = [parent[key]]
    elif kind == 3 and isinstance(parent, dict):
        parent[rng.choice(("type", "coordinates", "geometry", "fill", "'; --", "\0", "x" * 300))] = parent.pop(key)
    else:
        parent[key] = deepcopy(rng.choice(JUNK))


def _keys(node: Any) -> Sequence[Any]:
    return list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()


def spoil_csv(content: bytes, rng: random.Random) -> bytes:
    """Cells replaced, rows ragged, the encoding another."""
    rows = [line.split(b",") for line in content.split(b"\n")]
    for _ in range(rng.choice((1, 1, 2, 4))):
        row = rng.choice(rows)
        at, kind = rng.randrange(len(row)), rng.randrange(4)
        if kind == 0:
            row[at] = rng.choice(TOKENS)
        elif kind == 1:
            row[at] = json.dumps(rng.choice(JUNK)).encode("utf-8", "surrogatepass")
        elif kind == 2:
            row.append(b"x")
        else:
            rows.append(list(row))
    out = b"\n".join(b",".join(row) for row in rows)
    return out.decode("utf-8", "replace").encode("utf-16") if rng.random() < 0.03 else out


def spoil_zip(content: bytes, rng: random.Random) -> bytes:
    """What is inside spoiled, or the names, then packed again."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return spoil_bytes(content, rng)
    name = rng.choice(list(inside) or ["x"])
    if rng.random() < 0.8:
        inside[name] = spoil_bytes(inside.get(name, b"x"), rng)
    else:
        inside[rng.choice(("../" + name, "/etc/x.kml", "a\0.kml", "C:x.kml", "x" * 300, "b.kml"))] = inside.get(
            name, b""
        )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for key, value in inside.items():
            archive.writestr(key, value)
    return out.getvalue()


_NESTS = (
    (b"<div>", b"</div>"), (b"<b>", b""), (b"<ul><li>", b""), (b"<table><tr><td>", b""), (b"> ", b""), (b"(", b")"),
    (b"[", b"]"), (b"**", b""), (b"\xc2\xab", b"\xc2\xbb"), (b"&amp;", b""), ("і".encode(), b""), (b"Kursk, ", b""),
    (b"5 killed, ", b""), (b"12 km2 ", b""), (b"a = ", b""), (b"\n", b""), (b" ", b""),
)  # fmt: skip
_ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "cp1251", "koi8-r", "latin-1", "utf-7", "cp037", "shift_jis")


def spoil_text(content: bytes, rng: random.Random) -> bytes:
    """Lines and words dropped, doubled, swapped or another's; a long run or a deep nest; another encoding."""
    lines = content.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, kind = rng.randrange(len(lines)), rng.randrange(6)
        words = lines[at].split(b" ")
        word = rng.randrange(len(words))
        if kind == 0:
            del words[word : word + rng.choice((1, 1, 5))]
        elif kind == 1:
            words[word] = rng.choice(TOKENS)
        elif kind == 2:
            words.insert(word, rng.choice(rng.choice(lines).split(b" ")))
        elif kind == 3:
            words[word:word] = words[word : word + 4] * rng.choice((1, 1, 30))
        elif kind == 4:
            lines.insert(at, rng.choice(lines))
            continue
        else:
            rng.shuffle(words)
        lines[at] = b" ".join(words)
    out = b"\n".join(lines)
    if rng.random() < 0.02:
        (opening, closing), times = rng.choice(_NESTS), rng.choice((50, 500, 20_000))
        times = times if opening[:1] in b"<([" else min(times, 500)
        at = rng.randrange(len(out) + 1)
        out = out[:at] + opening * times + out[at : at + 20] + closing * times + out[at + 20 :]
    return out.decode("utf-8", "replace").encode(rng.choice(_ENCODINGS), "replace") if rng.random() < 0.04 else out


_TOML = (
    b"1", b"-1", b"0", b"1e400", b"nan", b"inf", b"true", b"false", b"[]", b"{}", b'""', b"[[1], [2]]", b"[1, 'a']", b"'x'",
    b'{name = "x"}', b"[{a = 1}]", b"1979-05-27", b"1979-05-27T07:32:00Z", b"07:32:00", b"9999-12-31", b"0001-01-01",
    b'"\\u0000"', b'"\\ud800"', b'"../../x"', b'"7 days"', b'"9999 days"', b"9" * 5000, b'"""\nx\n"""', b"0x7fffffffffffffff",
    b"[" * 3000 + b"]" * 3000, b'"x"' * 2, b"'https://[x/'", b"'https://a b/'", b"'https://x\xc2\xb2.example/{id}'", b'"{day:%Q}"',
)  # fmt: skip


def spoil_toml(content: bytes, rng: random.Random) -> bytes:
    """Keys and tables dropped, doubled, renamed or moved; values of another kind."""
    lines = content.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.choice([i for i, line in enumerate(lines) if line.strip()] or [0])
        key, sign, _ = lines[at].partition(b"=")
        kind = rng.randrange(6)
        if kind < 3 and sign:
            lines[at] = key + b"= " + rng.choice(_TOML)
        elif kind == 3:
            other = rng.choice(lines)
            lines.insert(rng.randrange(len(lines) + 1), other)
        elif kind == 4:
            del lines[at]
            lines = lines or [b""]
        else:
            lines[at] = rng.choice(
                (b"[" + lines[at] + b"]", b"[a.b]", b"[[map]]", b"x." + lines[at], b'"" = 1', b"[source]")
            )
    return b"\n".join(lines)


_BY_KIND: dict[str, Callable[[bytes, random.Random], bytes]] = {
    ".geojson": spoil_json, ".json": spoil_json, ".topojson": spoil_json, ".csv": spoil_csv, ".zip": spoil_zip,
    ".kmz": spoil_zip, ".txt": spoil_text, ".md": spoil_text, ".html": spoil_text, ".http": spoil_text, ".toml": spoil_toml,
}  # fmt: skip


def mutated(seed: Seed, others: Sequence[Seed], rng: random.Random) -> Seed:
    """Another file of the same name or, now and then, of another seed's."""
    suffix = "." + seed.name.rpartition(".")[2]
    way = _BY_KIND.get(suffix, spoil_bytes) if rng.random() < 0.6 else spoil_bytes
    content = way(seed.content, rng)
    if rng.random() < 0.05:
        other = rng.choice(others).content
        content = content[: rng.randrange(len(content) + 1)] + other[rng.randrange(len(other) + 1) :]
    return Seed(rng.choice(others).name if rng.random() < 0.03 else seed.name, content)
