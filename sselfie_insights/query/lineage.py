"""Where the tables that a query reads come from, and what they hold, by dbt's manifest."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sselfie_insights.query.library import Query
from sselfie_insights.query.template import read_templates

# The layers from what a query reads down to the source, as headings.
LAYERS = ("marts", "intermediate", "core", "snapshots", "staging", "source")

_READ = re.compile(r"\b((?:marts|forecast|growth|staging|snapshots|meta)\.\w+)")


@dataclass(frozen=True)
class Model:
    """A table that dbt builds, or a documented table of the source.

    Attributes:
        name: Its schema in the warehouse and its name; ``source.users`` for a source table.
        description: What it holds; begins with its grain.
        parents: The names of what it is made from.
    """

    name: str
    description: str
    parents: tuple[str, ...]

    @property
    def layer(self) -> str:
        """The first part of its name."""
        return self.name.partition(".")[0]


def read_tables(query: Query) -> list[str]:
    """Return the tables that the query reads, ``schema.name``, in the order it names them.

    Raises:
        UsageError: Its template is wrong.
    """
    return list(dict.fromkeys(_READ.findall("\n".join(read_templates(query)))))


def load_models(warehouse: Path) -> dict[str, Model]:
    """Return what dbt knows of the tables of ``warehouse``, by name; nothing before a build."""
    from sselfie_insights.warehouse.paths import artifacts_dir

    path = artifacts_dir(warehouse) / "duckdb" / "manifest.json"
    return read_models(path) if path.is_file() else {}


def read_models(path: Path) -> dict[str, Model]:
    """Return what dbt knows of its tables by the manifest at ``path``, by name."""
    manifest = json.loads(path.read_bytes())
    nodes = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "snapshot", "seed")
    }
    names = {key: f"{node['schema']}.{node['name']}" for key, node in nodes.items()}
    names |= {key: f"source.{node['name']}" for key, node in manifest["sources"].items()}
    models = [
        Model(
            names[key],
            " ".join(node["description"].split()),
            tuple(names[parent] for parent in node.get("depends_on", {}).get("nodes", ())),
        )
        for key, node in (nodes | manifest["sources"]).items()
    ]
    return {model.name: model for model in models}


def trace(names: Iterable[str], models: Mapping[str, Model]) -> dict[str, list[str]]:
    """Return, by layer, everything that the tables ``names`` are made from, themselves included."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += models[name].parents if name in models else ()
    found = {layer: sorted(n for n in seen if n.startswith(f"{layer}.")) for layer in LAYERS}
    return {layer: tables for layer, tables in found.items() if tables}
