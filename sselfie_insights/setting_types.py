"""How the values of settings may be written; pydantic says of a wrong one what is wrong with it."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from sselfie_insights.clock import parse_duration, parse_zone


def _split(value: object) -> object:
    return (
        list(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
        if isinstance(value, str)
        else value
    )


def _known_zone(value: str) -> str:
    parse_zone(value)
    return value


def _known_duration(value: str | None) -> str | None:
    if value is not None:
        parse_duration(value)
    return value


def _known_mode(value: str) -> str:
    if not re.fullmatch("0?6[0-6][0-6]", value):
        raise ValueError("write it as chmod does: 600, 640 or 644")
    return value


def _web_address(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not value.get_secret_value().startswith(("https://", "http://")):
        raise ValueError("it does not begin with https://")
    return value


def _page_address(value: str | None) -> str | None:
    _web_address(SecretStr(value) if value else None)
    return value


def _mail_server(value: SecretStr | None) -> SecretStr | None:
    if value is None:
        return value
    try:
        url = urlsplit(value.get_secret_value())
        is_whole = url.scheme in ("smtp", "smtps") and url.hostname and url.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or url.path.strip("/") or url.query or url.fragment:
        raise ValueError(
            "write it as smtps://user:password@host or smtp://…, and / : @ # ? % of a password as"
            " %2F %3A %40 %23 %3F %25"
        )
    return value


def _own_schemas(value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if name == "information_schema" or name.startswith("pg_"):
            raise ValueError(f"{name} is PostgreSQL's own, which is never mirrored")
    if not value:
        raise ValueError("name at least one schema")
    return value


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""A list, or words with commas between them."""

Schemas = Annotated[Names, AfterValidator(_own_schemas)]

Zone = Annotated[str, AfterValidator(_known_zone)]

Duration = Annotated[str | None, AfterValidator(_known_duration)]

Mode = Annotated[str, AfterValidator(_known_mode)]

WebAddress = Annotated[str | None, AfterValidator(_page_address)]

SecretAddress = Annotated[SecretStr | None, AfterValidator(_web_address)]
"""Who knows it can write there."""

MailServer = Annotated[SecretStr | None, AfterValidator(_mail_server)]
"""With its password."""
