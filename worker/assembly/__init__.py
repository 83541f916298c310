"""Assembly: the segments of a job, joined with their pauses, brought to one loudness, encoded, and published with timings and subtitles.

Segments stream through, and long books in parts, so twenty hours of audio need no more memory than some minutes. A part goes its way from
left to right:

    segments.py → parts.py → measures.py, loudness.py → codecs.py, stock.py → timeline.py, making.py → files.py, mp4.py, binding.py
"""

from worker.assembly.assembler import Assembler
from worker.assembly.segments import SegmentMissing, StoredAudio, read_segment

__all__ = ["Assembler", "SegmentMissing", "StoredAudio", "read_segment"]
