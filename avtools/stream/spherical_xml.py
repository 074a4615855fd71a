"""The XML of the spherical-video RFC, version 1: what it says of a picture, and how to say it."""

import re

MOST_BYTES = 1 << 16
SPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/"'
)


def xml_facts(data: bytes) -> dict[str, str]:
    # A pattern, not a parser: the files in the world miss their namespaces, and XML from
    # strangers can be made to grow without end.
    text = data[:MOST_BYTES].decode("utf-8", "replace")
    found = re.finditer(r"<GSpherical:(\w{1,40})>([^<]{0,300})</GSpherical:\1>", text)
    return {m[1]: m[2].strip() for m in found}


def xml_projection(says: dict[str, str]) -> str:
    """Version 1 has the equirectangular one alone; there are files that name others."""
    named = says.get("ProjectionType", "").lower() or "equirectangular"
    if named == "equirectangular":
        return named
    return "cubemap" if named.startswith("cube") else "unknown"


def xml_bounds(says: dict[str, str]) -> tuple[float, float, float, float]:
    """The crop in pixels as shares of the whole panorama: top, bottom, left, right."""

    def number(name: str) -> int:
        text = says.get(name, "")
        return int(text) if re.fullmatch(r"\d{1,9}", text) else 0

    full_width, full_height = number("FullPanoWidthPixels"), number("FullPanoHeightPixels")
    width = number("CroppedAreaImageWidthPixels")
    height = number("CroppedAreaImageHeightPixels")
    left, top = number("CroppedAreaLeftPixels"), number("CroppedAreaTopPixels")
    if not (width and height and left + width <= full_width and top + height <= full_height):
        return 0.0, 0.0, 0.0, 0.0
    bottom, right = full_height - top - height, full_width - left - width
    return top / full_height, bottom / full_height, left / full_width, right / full_width


def xml_text(stereo: str) -> bytes:
    """That of a whole equirectangular picture."""
    facts = {
        "Spherical": "true",
        "Stitched": "true",
        "StitchingSoftware": "avtools",
        "ProjectionType": "equirectangular",
    }
    if stereo != "mono":
        facts["StereoMode"] = stereo
    text = "".join(f"<GSpherical:{k}>{v}</GSpherical:{k}>" for k, v in facts.items())
    return f'<?xml version="1.0"?><rdf:SphericalVideo {SPACES}>{text}</rdf:SphericalVideo>'.encode()
