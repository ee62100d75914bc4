"""The flow diagram is a picture, an editable document, and what its source says."""

import importlib.util
import struct
import tomllib
import zlib
from collections.abc import Iterator
from types import ModuleType
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from tests.docs.pages import DOCS, README, ROOT

FLOW = DOCS / "flow" / "flow.toml"
PICTURE = ROOT / "flowdiagram.drawio.png"
PICTURE_MAX_BYTES = 400_000
ASKED_FOR = {
    "client", "authentication", "validation", "rules", "commit", "ledger", "relay", "ranking",
    "bus", "gateways", "viewers", "monitoring", "audit", "sealer",
}  # fmt: skip


@pytest.fixture(scope="module")
def draw() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw", DOCS / "flow" / "draw.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def chunks() -> Iterator[tuple[str, bytes]]:
    data = PICTURE.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    place = 8
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        body = data[place + 4 : place + 8 + length]
        assert struct.unpack_from(">I", data, place + 8 + length)[0] == zlib.crc32(body)
        yield body[:4].decode(), body[4:]
        place += 12 + length


def texts() -> dict[str, str]:
    found = [body.decode("latin-1").split("\0", 1) for kind, body in chunks() if kind == "tEXt"]
    return dict(found)


def test_it_is_a_whole_png_of_twice_the_width_of_the_readme(draw: ModuleType) -> None:
    all_of_it = list(chunks())
    kinds = [kind for kind, _ in all_of_it]
    assert (kinds[0], kinds[-1]) == ("IHDR", "IEND")
    assert kinds.index("tEXt") < kinds.index("IDAT")
    flow = tomllib.loads(FLOW.read_text("utf-8"))
    width, height = struct.unpack_from(">II", all_of_it[0][1])
    assert (width, height) == (flow["width"] * draw.SCALE, flow["height"] * draw.SCALE)
    assert len(zlib.decompress(b"".join(body for kind, body in all_of_it if kind == "IDAT")))
    assert PICTURE.stat().st_size < PICTURE_MAX_BYTES


def test_it_is_drawn_from_its_source(draw: ModuleType) -> None:
    assert texts()["Source"] == draw.digest(), "run `make diagram`"
    assert unquote(texts()["mxfile"]) == draw.document(tomllib.loads(FLOW.read_text("utf-8")))


def test_its_document_has_every_node_and_every_way() -> None:
    flow = tomllib.loads(FLOW.read_text("utf-8"))
    root = ET.fromstring(unquote(texts()["mxfile"]))  # noqa: S314 - our own
    assert root.tag == "mxfile"
    cells = {
        cell.attrib["id"]: cell.attrib for cell in root.iterfind(".//mxGraphModel/root/mxCell")
    }
    nodes = {each["id"]: each["title"] for each in [*flow["node"], *flow["lane"]]}
    assert set(nodes) >= ASKED_FOR
    for name, title in nodes.items():
        assert title in cells[name]["value"]
        assert cells[name]["vertex"] == "1"
    edges = [cell for cell in cells.values() if cell.get("edge") == "1"]
    assert len(edges) == len(flow["edge"])
    assert all({edge["source"], edge["target"]} <= set(nodes) for edge in edges)


def test_it_is_shown_in_the_readme() -> None:
    assert f"]({PICTURE.name})" in README.read_text("utf-8")
