"""Segments: lists of people to write to, each a query; what was exported, and what came of it."""

from sselfie_insights.segment.export import SegmentExport, export_segment
from sselfie_insights.segment.library import find_segment, list_segments, read_segment
from sselfie_insights.segment.record import erase_people
from sselfie_insights.warehouse.paths import exports_record_path

__all__ = [
    "SegmentExport",
    "erase_people",
    "export_segment",
    "exports_record_path",
    "find_segment",
    "list_segments",
    "read_segment",
]
