"""``sselfie query``: list, show and run the queries of the library."""

import shutil
import sys
from typing import Annotated

import typer

from sselfie_insights.cli.complete import complete_query
from sselfie_insights.cli.group import Group, examples
from sselfie_insights.cli.options import (
    Publication,
    Warehouse,
    choose_settings,
    open_chosen,
    say_gap,
    say_note,
    say_replaced,
)
from sselfie_insights.cli.output import (
    Output,
    Parameters,
    Table,
    TableFormat,
    WithPersonalData,
    print_text,
    refuse_stale,
    shows_table,
)

app = typer.Typer(
    name="query",
    help="List, show and run queries.",
    no_args_is_help=True,
    cls=Group,
)


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A query's name, e.g. churn/churn_by_month.",
        autocompletion=complete_query,
    ),
]


@app.command("list")
@shows_table
def list_queries(
    word: Annotated[
        str, typer.Argument(metavar="WORD", help="Only queries with WORD in name or title.")
    ] = "",
    *,
    table: Table,
) -> None:
    """List every query: its name and title.

    Example: sselfie query list churn
    """
    from sselfie_insights.query.library import load_library

    rows = [
        (query.name, query.title)
        for query in load_library(on_gap=say_gap).values()
        if word.lower() in f"{query.name} {query.title}".lower()
    ]
    table.show_rows("queries", {"query": "text", "title": "text"}, rows)
    say_replaced("queries", "**/*.sql")


@app.command()
def catalog(
    schema: Annotated[
        bool, typer.Option("--schema", help="Write the JSON Schema of the catalog instead.")
    ] = False,
    output: Output = None,
) -> None:
    """Write every query's definition, parameters and columns as JSON.

    For tools that need to know what the numbers mean.

    Example: sselfie query catalog -o catalog.json
    """
    import json

    from sselfie_insights.query.catalog import catalog_schema, describe_library
    from sselfie_insights.query.library import load_library
    from sselfie_insights.query.write import write_out

    queries = load_library(on_gap=say_gap).values()
    content = catalog_schema() if schema else describe_library(queries).model_dump(mode="json")
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    write_out(text.encode(), output, sys.stdout.buffer, binary=False)


@app.command("show")
def show_query(name: Name, parameter: Parameters = None) -> None:
    """Show a query's definition, parameters, columns, lineage and SQL.

    Example: sselfie query show retention/activity_cohorts -p grain=week
    """
    from sselfie_insights.query.describe import describe_query
    from sselfie_insights.query.library import load_query
    from sselfie_insights.query.lineage import load_models
    from sselfie_insights.query.parameters import split_words
    from sselfie_insights.settings import load_settings

    query = load_query(name)
    models = load_models(load_settings().warehouse)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print_text(describe_query(query, split_words(parameter or []), models, width))


@app.command(
    "run",
    epilog=examples(
        "query run churn_by_month -p since=2026-01-01 -o churn.xlsx",
        "query run mrr_movements --columns month,closing_mrr --sort -month",
        "query run retention/activity_cohorts -p grain=week -x",
        "query run members_now --publication 2026-11-01 --format csv",
    ),
)
@shows_table
def run(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A query's name, or - to read SQL from stdin.",
            autocompletion=complete_query,
        ),
    ],
    *,
    parameter: Parameters = None,
    table: Table,
    warehouse: Warehouse = None,
    publication: Publication = None,
    with_personal_data: WithPersonalData = False,
    save_segment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Make a segment of the people listed: queries/segments/NAME.sql."
        ),
    ] = None,
) -> None:
    """Run a query and write its table."""
    from sselfie_insights.query.library import load_query
    from sselfie_insights.query.parameters import fill_screen, split_words
    from sselfie_insights.query.run import run_masked

    as_rows = table.form is not TableFormat.PARQUET
    given = split_words(parameter or [])
    sql = _read_sql(given) if name == "-" else None
    if save_segment and sql is not None:
        from sselfie_insights.errors import UsageError

        raise UsageError("SQL from stdin makes no segment", remedy="put it into a query file")
    added = fill_screen(load_query(name), given) if sql is None and table.is_screen else {}
    asked, given = given, given | added
    if sql is not None and not with_personal_data:
        settings = choose_settings(warehouse, publication)
        result = run_masked(settings.warehouse, sql, as_rows=as_rows)
    else:
        with open_chosen(warehouse, publication) as opened:
            settings = opened.settings
            if sql is not None:
                result = opened.sql(sql, with_personal_data=True, as_rows=as_rows)
            else:
                result = opened.query(
                    name, with_personal_data=with_personal_data, as_rows=as_rows, **given
                )
    table.show(result)
    if save_segment:
        from sselfie_insights.segment.save import save_segment as save

        path = save(save_segment, load_query(name), asked)
        say_note(f"wrote {path}; see 'sselfie segment show {save_segment}'")
    if result.left_out:
        say_note(f"left out: {', '.join(result.left_out)}; --with-personal-data shows it")
    for reason in dict.fromkeys(result.unknown.values()):
        columns = [name for name, why in result.unknown.items() if why == reason]
        say_note(f"{', '.join(columns)}: {reason}")
    for parameter_name, value in added.items():
        say_note(f"shown with {parameter_name}={value}; files hold all, or give another")
    if not result.height:
        say_note("no rows" if name == "-" else "no data captured")
    if result.stamp is not None:
        refuse_stale(settings, result.stamp)


def _read_sql(parameters: dict[str, str]) -> str:
    from sselfie_insights.errors import UsageError

    if parameters:
        raise UsageError(
            "SQL from stdin takes no parameters", remedy="write the values into it, or leave out -p"
        )
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise UsageError("stdin is not in UTF-8", remedy="convert it, e.g. with iconv") from None
