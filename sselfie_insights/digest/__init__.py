"""The week in one message: written as mail, page, text and JSON, and sent at most once."""

from sselfie_insights.digest.content import Digest, make_digest
from sselfie_insights.digest.send import send_once
from sselfie_insights.digest.write import write_files

__all__ = ["Digest", "make_digest", "send_once", "write_files"]
