"""A contact sheet of scenes: the middle picture of each, with its truth drawn over it."""

import os
from collections.abc import Sequence

import numpy as np

from avtools.plot.contact import MOST_CELLS, Box, Cell, Mark, contact_sheet
from avtools.plot.figure import COLOURS, degrees

SOUNDING, PAUSING, SILENT = COLOURS[2], COLOURS[4], COLOURS[3]
KEY = (("sounds now", SOUNDING), ("pauses now", PAUSING), ("never sounds", SILENT))
# Wider pictures would be drawn smaller anyway.
WIDEST = 640


def draw_sheet(path: str, recipe, items: Sequence) -> None:
    """The first `MOST_CELLS` of these scenes as `path`."""
    shown = list(items)[:MOST_CELLS]
    more = f", the first {len(shown)} of {len(items)}" if len(items) > len(shown) else ""
    title = f"{recipe.preset} scenes, {'360°' if recipe.kind == '360' else 'stereo'}{more}"
    contact_sheet(path, [_cell(recipe, item) for item in shown], title, KEY)


def _cell(recipe, item) -> Cell:
    from avtools.synth.files import staged
    from avtools.world.device import chosen_device
    from avtools.world.sights import seen
    from avtools.world.truth import facts

    size = _size(recipe.size)
    stage = staged(recipe, item.seed)
    scenes, device = stage.scenes, chosen_device(recipe.device)
    material = {"images": stage.images, "bank": stage.bank}
    picture = seen(scenes, size, np.array([recipe.seconds / 2]), device, **material)
    boxes, marks = [], scale(scenes, size[0])
    # One row a source, of an instant in the middle of a hop that is as long as the scene.
    for row in stage.truth(size, recipe.seconds):
        boxes += boxes_of(row, size[0], scenes.is_360)
        if not row["visible"]:
            marks.append(unseen(row, scenes, size[0]))
    picture, known = picture[0, 0].cpu().numpy(), facts(scenes, 0)
    return Cell(picture, _caption(item, known), boxes, marks)


def _size(size: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    scale = min(1.0, WIDEST / width)
    return max(2, round(width * scale)), max(2, round(height * scale))


def colour_of(row: dict) -> str:
    if row["role"] != "source":
        return SILENT
    return SOUNDING if row["sounding"] else PAUSING


def boxes_of(row: dict, width: int, is_360: bool) -> list[Box]:
    """Where it is seen; twice where it stands across the seam."""
    if not row["visible"] or row["x"] is None:
        return []
    label = row["sound"] or row["look"] or ""
    box = Box(row["x"], row["y"], row["width"], row["height"], label, colour_of(row))
    again = []
    if is_360 and box.x < 0:
        again = [box._replace(x=box.x + width, label="")]
    elif is_360 and box.x + box.width > width:
        again = [box._replace(x=box.x - width, label="")]
    return [box, *again]


def unseen(row: dict, scenes, width: int) -> Mark:
    """What can't be seen: a mark at its azimuth; of a camera, outside its picture, an arrow."""
    azimuth = row["azimuth"]
    label = f"{row['sound'] or row['look'] or 'mover'} {degrees(azimuth)}"
    if scenes.is_360:
        return Mark(width * (0.5 - azimuth / 360), label, colour_of(row))
    place = row["center_x"]  # of what is hidden within the picture
    if place is None or not 0 <= place <= width:
        place = -1.0 if azimuth > 0 else width + 1.0
    return Mark(place, label, colour_of(row))


def scale(scenes, width: int) -> list[Mark]:
    """Azimuths along the foot of the picture."""
    if scenes.is_360:
        turns = (180, 90, 0, -90, -180)
        return [Mark(width * (0.5 - a / 360), degrees(a)) for a in turns]
    half = float(scenes.fov[0]) / 2
    return [Mark(0, degrees(half)), Mark(width / 2, degrees(0)), Mark(width, degrees(-half))]


def _caption(item, facts: dict) -> str:
    """Its name and what can't be seen in it."""
    return f"{os.path.basename(item.path)}\n" + ", ".join(_words(facts))


def _words(facts: dict) -> list[str]:
    count = facts["sources"]
    words = [f"{count} source{'s' * (count != 1)}", str(facts["ears"])]
    words.append(f"RT60 {facts['rt60']:.1f} s" if facts["rt60"] else "no walls")
    return [*words, f"{facts['snr']:.0f} dB"]
