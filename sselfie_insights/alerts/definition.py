"""What ``alerts.yml`` may say: a name, a query's column, and the lines or the course to watch."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sselfie_insights.files import read_text
from sselfie_insights.query.yaml_files import parse_yaml

ALERTS_FILE = Path("alerts.yml")
PACKAGED = Path(__file__).with_name("default.yml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Anomaly(_Strict):
    """When a number has left its usual course; see :func:`..detect.score_series`."""

    of: Literal["count", "change"] = Field(
        "count", description="What happens in a period, or the change of what is carried into it."
    )
    season: int = Field(1, ge=1, description="Periods of a season; 7 for days that know weekdays.")
    level: float = Field(
        0.02, gt=0, lt=0.5, description="How often chance alone may go that far, in one direction."
    )
    direction: Literal["up", "down", "both"] = "both"


class Watch(_Strict):
    """A public number to watch.

    Attributes:
        name: What it is called.
        query: The query that gives it.
        values: Parameters of the query.
        where: Rows to keep, by column and value.
        each: A column whose every value is watched by itself, such as the currency.
        column: The number.
        n: The column that counts what is behind it.
        trials: The column that it is a share of; taken for ``n`` too.
        least: Below this many behind it, or expected behind it, nothing is judged.
        after_grace: Whether a month waits until no late renewal can change it any more.
        above: Fire when it is above this.
        below: Fire when it is below this.
        anomaly: Fire when it leaves its usual course.
    """

    name: str
    query: str
    values: dict[str, str] = Field({}, alias="with")
    where: dict[str, str] = {}
    each: str | None = None
    column: str
    n: str | None = None
    trials: str | None = None
    least: int = Field(30, ge=1)
    after_grace: bool = False
    above: float | None = None
    below: float | None = None
    anomaly: Anomaly | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which of above, below and anomaly it has: a judgement each."""
        kinds = ("above", "below", "anomaly")
        return tuple(kind for kind in kinds if getattr(self, kind) is not None)

    @model_validator(mode="after")
    def _watches_something(self) -> "Watch":
        if not self.kinds:
            raise ValueError(f"alert {self.name!r} has no above, below or anomaly")
        return self


class _File(_Strict):
    alerts: tuple[Watch, ...]

    @model_validator(mode="after")
    def _names_differ(self) -> "_File":
        names = [watch.name for watch in self.alerts]
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise ValueError(f"two alerts are called {double!r}")
        return self


def load_watches(path: Path | None = None) -> tuple[Watch, ...]:
    """Return what is watched.

    Args:
        path: The file; by default ``alerts.yml`` of the working directory, else the packaged one.

    Raises:
        UsageError: The file cannot be read, or says something wrong; the message names the key.
    """
    chosen = path or (ALERTS_FILE if ALERTS_FILE.is_file() else PACKAGED)
    watches: tuple[Watch, ...] = parse_yaml(_File, read_text(chosen), chosen).alerts
    return watches
