"""The query library: find a ``.sql`` file, check its parameters, run it, write the result."""

from sselfie_insights.query.header import Column, Parameter
from sselfie_insights.query.library import Query, find_query, load_library
from sselfie_insights.query.result import Result
from sselfie_insights.query.run import run_own, run_query, run_statement
from sselfie_insights.query.template import compile_query
from sselfie_insights.warehouse.reading import OpenWarehouse, Stamp

__all__ = [
    "Column",
    "OpenWarehouse",
    "Parameter",
    "Query",
    "Result",
    "Stamp",
    "compile_query",
    "find_query",
    "load_library",
    "run_own",
    "run_query",
    "run_statement",
]
