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


def xml_crop_is_lost(says: dict[str, str]) -> bool:
    """It names a crop, but not (or not truly) of which whole."""
    begins = [says.get(f"CroppedArea{side}Pixels", "0") for side in ("Left", "Top")]
    return not any(xml_bounds(says)) and any(begin.strip("0") for begin in begins)


def xml_mirrored(data: bytes) -> bytes:
    """The XML of the picture with left and right exchanged; what is not about sides stays."""
    says = xml_facts(data)
    values = {}
    for name in ("InitialViewHeadingDegrees", "InitialViewRollDegrees"):
        if re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,9})?", value := says.get(name, "")):
            size = value.lstrip("+-")
            values[name] = size if value[0] == "-" or not size.strip("0.") else f"-{size}"
    if any(bounds := xml_bounds(says)):
        right = round(bounds[3] * int(says["FullPanoWidthPixels"]))
        values["CroppedAreaLeftPixels"] = str(right)
    text = data[:MOST_BYTES].decode("utf-8", "surrogateescape")
    for name, value in values.items():
        element = f"<GSpherical:{name}>{value}</GSpherical:{name}>"
        if name in says:
            text = re.sub(rf"<GSpherical:{name}>[^<]{{0,300}}</GSpherical:{name}>", element, text)
        else:  # a left edge of 0 that was not written
            text = text.replace(width := "<GSpherical:FullPanoWidthPixels>", element + width, 1)
    return text.encode("utf-8", "surrogateescape") + data[MOST_BYTES:]


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
