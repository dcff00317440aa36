"""A synthetic business, event by event, with its answer key.

The events come first. From them, and never from one another, come the rows (through the
distortions of the real database) and the answer key (what every report must say).
"""

from sselfie_insights.simulate.answers import Answers
from sselfie_insights.simulate.events import Shape
from sselfie_insights.simulate.simulation import answer_key, simulate

__all__ = ["Answers", "Shape", "answer_key", "simulate"]
