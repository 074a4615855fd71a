"""What must be found out about a container beyond what its header says."""

from avtools.errors import AvtoolsError

# What begins like this is a text that names other files, whatever its own name says. FFmpeg opens
# those in their places.
LISTS = {
    b"ffconcat version": "a list of files to join (ffconcat)",
    b"#EXTM3U": "a playlist (M3U8)",
}
LIST_FORMATS = frozenset("concat hls applehttp dash imf sdp webm_dash_manifest".split())


def refuse_list(path: str) -> None:
    """Before FFmpeg opens it: nothing but the file itself shall be read."""
    with open(path, "rb") as file:
        first = file.read(64)
    for begin, said in LISTS.items():
        if first.startswith(begin):
            raise AvtoolsError(f"{path}: {said}, expected a sound or video file")


def refuse_list_format(container, path: str) -> None:
    """Those that are not told by their first bytes."""
    if LIST_FORMATS & set(container.format.name.split(",")):
        said = container.format.long_name or container.format.name
        raise AvtoolsError(f"{path}: names other files ({said}), expected a sound or video file")


def demuxed_seconds(container, stream) -> float | None:
    """Where the last packet of a stream ends, from the file's beginning: what was written to a
    pipe has a header that knows no length. Nothing is decoded; all of the file is read."""
    end = None
    for packet in container.demux(stream):
        if packet.pts is not None and packet.size:
            until = packet.pts + (packet.duration or 0)
            end = until if end is None else max(end, until)
    if end is None or not stream.time_base:
        return None
    return float(end * stream.time_base) - (container.start_time or 0) / 1e6
