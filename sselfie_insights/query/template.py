"""Render a query's SQL, a Jinja template over its choices."""

from collections.abc import Mapping

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from sselfie_insights.errors import UsageError
from sselfie_insights.query.library import ChoiceParameter, Query
from sselfie_insights.query.parameters import Value, check_values
from sselfie_insights.resources import list_folders


def compile_query(query: Query, given: Mapping[str, str]) -> tuple[str, dict[str, Value]]:
    """Return the SQL of ``query`` for these values, and the checked values to bind.

    Raises:
        UsageError: A value is wrong, or the template is.
    """
    values = check_values(query, given)
    choices = {
        name: values[name]
        for name, parameter in query.parameters.items()
        if isinstance(parameter, ChoiceParameter)
    }
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(list_folders("queries")),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    try:
        sql = environment.from_string(query.body).render(choices).strip()
    except UndefinedError as error:
        raise UsageError(
            f"{query.path}: {error}", remedy="only choice parameters can shape the SQL"
        ) from None
    except TemplateError as error:
        raise UsageError(f"{query.path}: {error}") from None
    return sql, values
