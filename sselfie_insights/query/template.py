"""Render a query's SQL, a Jinja template over its choices."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from jinja2 import FileSystemLoader, StrictUndefined, UndefinedError
from jinja2.meta import find_referenced_templates
from jinja2.sandbox import SandboxedEnvironment

from sselfie_insights.errors import UsageError
from sselfie_insights.query.header import ChoiceParameter
from sselfie_insights.query.library import Query
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
    with _translate_errors(query):
        sql = environment.from_string(query.body).render(choices).strip()
    return sql, values


def read_templates(query: Query) -> list[str]:
    """Return the template of ``query`` and those of the parts that it includes, for any choice.

    Raises:
        UsageError: A template is wrong, or a part is missing.
    """
    environment = SandboxedEnvironment()
    loader = FileSystemLoader(list_folders("queries"))
    texts = [query.body]
    seen = set()
    with _translate_errors(query):
        for text in texts:  # which grows by what each includes
            for name in find_referenced_templates(environment.parse(text)):
                if name is not None and name not in seen:
                    seen.add(name)
                    texts.append(loader.get_source(environment, name)[0])
    return texts


@contextmanager
def _translate_errors(query: Query) -> Iterator[None]:
    """Say in one line what is wrong with a template, whose expressions raise what Python's do."""
    try:
        yield
    except UndefinedError as error:
        raise UsageError(
            f"{query.path}: {error}", remedy="only choice parameters can shape the SQL"
        ) from None
    except Exception as error:
        raise UsageError(f"{query.path}: {' '.join(str(error).split())}") from None
