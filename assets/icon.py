#!/usr/bin/env python3
"""Draws icon.png: a way that forks, and the one branch that was taken. Needs Python alone: `python3 assets/icon.py`."""

import math
import struct
import zlib
from pathlib import Path

Colour = tuple[float, float, float]
Point = tuple[float, float]

SIZE = 512
TOP, BOTTOM = (38.0, 46.0, 84.0), (24.0, 28.0, 54.0)
TAKEN, OTHER, FORK = (255.0, 196.0, 77.0), (108.0, 120.0, 174.0), (244.0, 246.0, 255.0)

START, CENTRE = (100.0, 256.0), (214.0, 256.0)
BRANCHES = [((396.0, 376.0), OTHER), ((396.0, 256.0), OTHER), ((396.0, 136.0), TAKEN)]


def to_segment(at: Point, begin: Point, end: Point) -> float:
    """The distance of a point from a line."""
    along = (end[0] - begin[0], end[1] - begin[1])
    share = ((at[0] - begin[0]) * along[0] + (at[1] - begin[1]) * along[1]) / (along[0] ** 2 + along[1] ** 2)
    share = max(0.0, min(1.0, share))
    return math.dist(at, (begin[0] + share * along[0], begin[1] + share * along[1]))


def to_square(at: Point, margin: float, radius: float) -> float:
    """The distance of a point from a square with round corners, negative within it."""
    half = SIZE / 2 - margin - radius
    over = [max(abs(coordinate - SIZE / 2) - half, 0.0) for coordinate in at]
    return math.hypot(*over) - radius


def over(below: Colour, above: Colour, distance: float) -> Colour:
    """A colour laid over another up to an edge, which is one pixel soft."""
    share = max(0.0, min(1.0, 0.5 - distance))
    mixed = [old + (new - old) * share for old, new in zip(below, above, strict=True)]
    return mixed[0], mixed[1], mixed[2]


def pixel(at: Point) -> bytes:
    ground = colour = shade(at[1] / SIZE)
    colour = over(colour, FORK, to_segment(at, START, CENTRE) - 11)
    for end, paint in BRANCHES:
        colour = over(colour, paint, to_segment(at, CENTRE, end) - 11)
    for end, paint in BRANCHES:
        colour = over(colour, paint, math.dist(at, end) - 40)
        if paint == OTHER:
            colour = over(colour, ground, math.dist(at, end) - 22)
    colour = over(colour, FORK, math.dist(at, CENTRE) - 34)
    visible = max(0.0, min(1.0, 0.5 - to_square(at, 16, 104)))
    return bytes(round(part) for part in (*colour, visible * 255))


def shade(share: float) -> Colour:
    mixed = [top + (bottom - top) * share for top, bottom in zip(TOP, BOTTOM, strict=True)]
    return mixed[0], mixed[1], mixed[2]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def main() -> None:
    rows = [b"\0" + b"".join(pixel((x + 0.5, y + 0.5)) for x in range(SIZE)) for y in range(SIZE)]
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"".join(rows), 9))
    Path(__file__).with_name("icon.png").write_bytes(png + chunk(b"IEND", b""))


if __name__ == "__main__":
    main()
