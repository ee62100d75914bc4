"""Draws ``flowdiagram.drawio.png`` from ``flow.toml``: a picture, and in it the draw.io document.

    python docs/flow/draw.py

draw.io finds its document in a ``tEXt`` chunk named ``mxfile``, URL-encoded, before the pixels.
Chromium paints the picture, at twice the width of the README.
"""

import hashlib
import shutil
import struct
import sys
import tomllib
import zlib
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

HERE = Path(__file__).parent
PICTURE = HERE.parents[1] / "flowdiagram.drawio.png"
SOURCES = (HERE / "flow.toml", HERE / "draw.py")
SCALE = 2
FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
TITLE_PX, TEXT_PX, LINE_PX, CORNER_PX = 13, 10.5, 13.5, 8
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# fill, line, ink
LOOKS = {
    "outside": ("#ffffff", "#475569", "#0f172a"),
    "award": ("#e8f1ff", "#2f6fde", "#123a7a"),
    "ledger": ("#def5e6", "#15915a", "#0b4f31"),
    "live": ("#f1eaff", "#7a4bd6", "#43237f"),
    "after": ("#fff3dc", "#c98509", "#6b4503"),
    "monitoring": ("#e9edf2", "#64748b", "#1f2937"),
    "refused": ("none", "none", "#c0262d"),
}
LANE = {"award": "#f6f9ff", "live": "#faf7ff", "after": "#fffaf0"}
SIDES = {"left": (0.0, 0.5), "right": (1.0, 0.5), "top": (0.5, 0.0), "bottom": (0.5, 1.0)}

Flow = dict[str, Any]
Point = tuple[float, float]


def main() -> None:
    flow = tomllib.loads(SOURCES[0].read_text("utf-8"))
    PICTURE.write_bytes(embedded(painted(picture(flow), flow), {
        "mxfile": quote(document(flow), safe="-_.!~*'()"),
        "Source": digest(),
    }))  # fmt: skip
    sys.stdout.write(f"{PICTURE.name}: {PICTURE.stat().st_size:,} bytes\n")


def digest() -> str:
    """Of everything that the picture is made from."""
    return hashlib.sha256(b"\0".join(source.read_bytes() for source in SOURCES)).hexdigest()


# --- the picture


def picture(flow: Flow) -> str:
    """The flow as SVG."""
    parts = [arrows()]
    parts += [lane(each) for each in flow["lane"]]
    parts += [edge(each, ways(flow, each)) for each in flow["edge"]]
    parts += [node(each) for each in flow["node"]]
    parts += [note(each) for each in flow["note"]]
    size = f'width="{flow["width"]}" height="{flow["height"]}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}">'
    return f"{head}{''.join(parts)}</svg>"


def arrows() -> str:
    heads = (
        f'<marker id="head-{look}" markerWidth="9" markerHeight="8" refX="8" refY="4" '
        f'orient="auto" markerUnits="userSpaceOnUse"><path d="M0,0 L9,4 L0,8 z" fill="{line}"/>'
        "</marker>"
        for look, (_, line, _) in LOOKS.items()
    )
    return f"<defs>{''.join(heads)}</defs>"


def lane(each: dict[str, Any]) -> str:
    x, y, width, height = each["box"]
    _, line, ink = LOOKS[each["look"]]
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="12" '
        f'fill="{LANE[each["look"]]}" stroke="{line}" stroke-opacity=".25"/>'
        + words(x + each.get("title_x", 14), y + 22, each["title"], 11, ink, "start", "bold")
    )


def node(each: dict[str, Any]) -> str:
    x, y, width, height = each["box"]
    fill, line, ink = LOOKS[each["look"]]
    lines = each["text"].split("\n")
    shape = f'fill="{fill}" stroke="{line}" stroke-width="1.5"'
    lid = 0
    if each.get("shape") == "cylinder":
        lid = 9
        side = height - 2 * lid
        body = f"M{x},{y + lid} v{side} a{width / 2},{lid} 0 0 0 {width},0 v-{side}"
        top = f'<ellipse cx="{x + width / 2}" cy="{y + lid}" rx="{width / 2}" ry="{lid}" {shape}/>'
        drawn = f'<path d="{body}" {shape}/>{top}'
    else:
        drawn = (
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{CORNER_PX}" {shape}/>'
        )
    tall = TITLE_PX + 5 + LINE_PX * len(lines)
    first = y + lid + (height - lid - tall) / 2 + TITLE_PX - 1
    centre = x + width / 2
    drawn += words(centre, first, each["title"], TITLE_PX, ink, "middle", "bold")
    for index, line_of_text in enumerate(lines, start=1):
        at = first + 3 + LINE_PX * index
        drawn += words(centre, at, line_of_text, TEXT_PX, "#334155", "middle", "normal")
    return drawn


def note(each: dict[str, Any]) -> str:
    (x, y), (_, _, ink) = each["at"], LOOKS[each["look"]]
    return words(x, y, each["text"], 9.5, ink, "middle", "bold")


def edge(each: dict[str, Any], points: list[Point]) -> str:
    _, line, ink = LOOKS[each["look"]]
    dashes = ' stroke-dasharray="5 4"' if each.get("dashed") else ""
    drawn = (
        f'<path d="{rounded(points)}" fill="none" stroke="{line}" stroke-width="1.8"{dashes} '
        f'marker-end="url(#head-{each["look"]})"/>'
    )
    if label := each.get("label"):
        x, y = each.get("label_at", middle(points))
        width = 5.6 * len(label) + 10
        box = f'x="{x - width / 2}" y="{y - 8}" width="{width}" height="16"'
        drawn += f'<rect {box} rx="8" fill="#fff"/>'
        drawn += words(x, y + 3.5, label, 10, ink, "middle", "bold")
    return drawn


def words(  # noqa: PLR0913, PLR0917 - what SVG wants to know
    x: float, y: float, text: str, size: float, ink: str, anchor: str, weight: str
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{ink}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def ways(flow: Flow, each: dict[str, Any]) -> list[Point]:
    return [place(flow, each["from"]), *map(tuple, each.get("via", [])), place(flow, each["to"])]


def place(flow: Flow, end: str) -> Point:
    """Where an edge meets a node: ``name.side``."""
    name, _, side = end.partition(".")
    x, y, width, height = next(
        each["box"] for each in [*flow["node"], *flow["lane"]] if each["id"] == name
    )
    across, down = SIDES[side]
    return x + across * width, y + down * height


def rounded(points: list[Point]) -> str:
    drawn = f"M{points[0][0]},{points[0][1]}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        (fx, fy), (tx, ty) = towards(corner, before), towards(corner, after)
        drawn += f" L{fx},{fy} Q{corner[0]},{corner[1]} {tx},{ty}"
    return f"{drawn} L{points[-1][0]},{points[-1][1]}"


def towards(one: Point, other: Point) -> Point:
    length = abs(other[0] - one[0]) + abs(other[1] - one[1])
    share = min(1, CORNER_PX / length)
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def middle(points: list[Point]) -> Point:
    """The middle of the longest part."""
    (ax, ay), (bx, by) = max(
        pairwise(points), key=lambda p: abs(p[0][0] - p[1][0]) + abs(p[0][1] - p[1][1])
    )
    return (ax + bx) / 2, (ay + by) / 2


def painted(svg: str, flow: Flow) -> bytes:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - reading needs no browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        size = {"width": flow["width"], "height": flow["height"]}
        page = browser.new_page(viewport=size, device_scale_factor=SCALE)  # type: ignore[arg-type]
        page.set_content(f'<body style="margin:0;background:#fff">{svg}</body>')
        image: bytes = page.screenshot()
        browser.close()
    return image


# --- the document


def document(flow: Flow) -> str:
    """The flow as draw.io keeps it."""
    file = ET.Element("mxfile", host="scoreboard")
    diagram = ET.SubElement(file, "diagram", id="flow", name="Flow of an award")
    size = {"pageWidth": str(flow["width"]), "pageHeight": str(flow["height"])}
    model = ET.SubElement(diagram, "mxGraphModel", page="1", grid="0", background="#ffffff", **size)
    root = ET.SubElement(model, "root")
    ET.SubElement(root, "mxCell", id="0")
    ET.SubElement(root, "mxCell", id="1", parent="0")
    for each in flow["lane"]:
        vertex(root, each["id"], each["box"], escape(each["title"]), lane_style(each))
    for each in flow["node"]:
        text = escape(each["text"]).replace("\n", "<br>")
        value = (
            f'<b>{escape(each["title"])}</b><br><font style="font-size: {TEXT_PX}px">{text}</font>'
        )
        vertex(root, each["id"], each["box"], value, node_style(each))
    for each in flow["note"]:
        x, y = each["at"]
        style = (
            f"text;html=1;align=center;fontStyle=1;fontSize=9;fontColor={LOOKS[each['look']][2]};"
        )
        vertex(root, each["id"], [x - 80, y - 12, 160, 16], escape(each["text"]), style)
    for each in flow["edge"]:
        connection(root, each)
    return ET.tostring(file, encoding="unicode")


def vertex(root: ET.Element, name: str, box: list[float], value: str, style: str) -> None:
    cell = ET.SubElement(root, "mxCell", id=name, value=value, style=style, vertex="1", parent="1")
    x, y, width, height = map(str, box)
    geometry = ET.SubElement(cell, "mxGeometry", x=x, y=y, width=width, height=height)
    geometry.set("as", "geometry")


def connection(root: ET.Element, each: dict[str, Any]) -> None:
    (source, _, leaves), (target, _, enters) = (
        each["from"].partition("."),
        each["to"].partition("."),
    )
    _, line, ink = LOOKS[each["look"]]
    style = (
        "edgeStyle=orthogonalEdgeStyle;rounded=1;html=1;strokeWidth=2;endArrow=block;endSize=5;"
        f"strokeColor={line};fontColor={ink};fontSize=10;fontStyle=1;dashed={int(bool(each.get('dashed')))};"
        f"exitX={SIDES[leaves][0]};exitY={SIDES[leaves][1]};"
        f"entryX={SIDES[enters][0]};entryY={SIDES[enters][1]};"
    )
    name = f"{source}-{target}"
    cell = ET.SubElement(
        root, "mxCell", id=name, value=escape(each.get("label", "")), style=style, edge="1",
        parent="1", source=source, target=target,
    )  # fmt: skip
    geometry = ET.SubElement(cell, "mxGeometry", relative="1")
    geometry.set("as", "geometry")
    if "label_at" in each:
        geometry.set("x", "0.4")
    if via := each.get("via"):
        corners = ET.SubElement(geometry, "Array")
        corners.set("as", "points")
        for x, y in via:
            ET.SubElement(corners, "mxPoint", x=str(x), y=str(y))


def lane_style(each: dict[str, Any]) -> str:
    _, line, ink = LOOKS[each["look"]]
    return (
        "rounded=1;arcSize=6;html=1;verticalAlign=top;align=left;fontStyle=1;fontSize=11;"
        f"spacingLeft={each.get('title_x', 14)};fillColor={LANE[each['look']]};"
        f"strokeColor={line};strokeOpacity=25;fontColor={ink};"
    )


def node_style(each: dict[str, Any]) -> str:
    fill, line, ink = LOOKS[each["look"]]
    cylinder = each.get("shape") == "cylinder"
    shape = "shape=cylinder3;size=9;" if cylinder else "rounded=1;arcSize=9;"
    return (
        f"{shape}whiteSpace=wrap;html=1;fontSize={TITLE_PX};"
        f"fillColor={fill};strokeColor={line};fontColor={ink};"
    )


# --- the file


def embedded(image: bytes, texts: dict[str, str]) -> bytes:
    """The image with text chunks before its pixels."""
    head, pixels = image.split(b"IDAT", 1)
    length = head[-4:]
    chunks = b"".join(chunk(name, text) for name, text in texts.items())
    return head[:-4] + chunks + length + b"IDAT" + pixels


def chunk(name: str, text: str) -> bytes:
    body = b"tEXt" + name.encode("latin-1") + b"\0" + text.encode("latin-1")
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


if __name__ == "__main__":
    main()
