"""Raw images: memory from the first range's start to the last one's end, and nothing else."""

from .expect import View
from .image import Image
from .memory import merge


def build(description, memory):
    """Returns ([image], view, attributes); holes between the ranges read as zero."""
    ranges = merge(memory.ranges)
    base, end = ranges[0][0], ranges[-1][1]
    image = Image()
    runs = []
    for low, high in ranges:
        for start, stop, page in memory.segments(low, high):
            if page and page.state == "data":
                image.write(start - base, memory.read(start, stop - start))
                runs.append((start, stop, "data"))
    image.size = end - base
    return [image], View([(base, end)], runs, memory), {"format": "raw", "base": base}
