"""What looks like a credential stays in Postgres, though no contract knows it, until it is opened.

The tokens have the forms that their issuers document; all of them are made up, and put together
here, so that no scanner of source code takes them for real ones.
"""

import base64
import hashlib
import json
import secrets
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.settings import load_settings
from sselfie_insights.sync.status import status_query
from tests.integration.sync.conftest import Bench
from tests.integration.sync.servers import Server, new_database

LETTERS = "abcDEfghIJklMNopQRstUVwxYZ0123456789"

SECRET_NAMES = (
    "access_token", "refreshToken", "sessionToken", "csrf_token", "device_token", "api_key",
    "apiKey", "APIKey", "stripeKey", "secret", "client_secret", "webhookSecret", "password",
    "passwd", "pass_hash", "passwordHash", "password_digest", "pwd", "user_pw", "hashed_pin",
    "salt", "jwt", "cookie", "session_cookie", "private_key", "ssh_public_key", "signing_key",
    "encryptionKey", "otp", "totp_seed", "mfa_secret", "backup_codes", "recovery_codes",
    "verification_code", "reset_code", "magic_link", "connection_string", "webhook_url",
    "oauth_state", "code_verifier", "passord", "passwort", "mot_de_passe", "contraseña",
    "passphrase", "bearer", "credentials", "encrypted_body", "ciphertext", "Key",
    "secret_answer",
)  # fmt: skip
OPEN_NAMES = (
    "monkey", "turkey_rating", "hashtags", "keyboard", "opinion", "shopping", "passenger_name",
    "compass", "token_count", "tokens_used", "password_changed_at", "has_password", "pinned",
    "country_code", "promo_code", "cohort", "author", "authority", "saltiness", "idea",
    "is_secret",
)  # fmt: skip
KINDS = {
    "token_count": "int", "tokens_used": "numeric", "password_changed_at": "timestamptz",
    "has_password": "boolean", "is_secret": "boolean",
}  # fmt: skip


def withheld(bench: Bench) -> dict[str, str]:
    return dict(
        bench.ask(
            "select table_name || '.' || column_name, reason from meta.mirror_columns"
            " where travel = 'secret'"
        )
    )


def stored(bench: Bench) -> bytes:
    return bench.warehouse.read_bytes()


def test_names_of_credentials(newest: Bench) -> None:
    columns = [f'"{name}" text' for name in SECRET_NAMES]
    columns += [f'"{name}" {KINDS.get(name, "text")}' for name in OPEN_NAMES]
    newest.pg(f"create table audit_log (id serial primary key, {', '.join(columns)})")
    newest.sync()
    assert set(withheld(newest)) == {f"audit_log.{name}" for name in SECRET_NAMES}


def test_documented_columns_are_those_of_the_contract(newest: Bench) -> None:
    newest.pg(
        "create table users (id text primary key, email text, password_hash text, notes text)",
        "insert into users values ('u1', 'a@b.example', 'made-up-hash-of-1', 'hello')",
    )
    newest.sync()
    assert withheld(newest) == {"users.password_hash": "its name looks like that of a credential"}
    assert newest.ask("select email, password_hash, notes from raw.users") == [
        ("a@b.example", None, "hello")
    ]
    assert b"made-up-hash-of-1" not in stored(newest)


def test_tables_and_types_of_credentials(newest: Bench) -> None:
    newest.pg(
        "create domain secret_text as text",
        "create type token_pair as (a text, b text)",
        "create table api_keys (id uuid primary key, user_id text, label text, uses int)",
        "create table plain (id int primary key, a secret_text, b token_pair, pin int, token uuid)",
    )
    newest.sync()
    assert withheld(newest) == {
        "api_keys.label": "its table looks like one of credentials",
        "plain.a": "its type looks like that of a credential",
        "plain.b": "its type looks like that of a credential",
        "plain.pin": "its name looks like that of a credential",
        "plain.token": "its name looks like that of a credential",
    }


def random_text(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def jwt() -> str:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": "1", "name": "A"}]
    texts = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return ".".join([*texts, secrets.token_urlsafe(32)])


TOKENS = {
    "jwt": jwt,
    "stripe": lambda: "sk_" + "live_" + random_text(LETTERS, 24),
    "stripe_restricted": lambda: "rk_" + "test_" + random_text(LETTERS, 24),
    "stripe_endpoint": lambda: "wh" + "sec_" + random_text(LETTERS, 32),
    "github": lambda: "gh" + "p_" + random_text(LETTERS, 36),
    "github_fine": lambda: "github" + "_pat_" + random_text(LETTERS, 22),
    "slack": lambda: "xo" + "xb-" + random_text("0123456789", 11),
    "aws": lambda: "AK" + "IA" + random_text("ABCDEFGHIJKLMNOP234567", 16),
    "google": lambda: "AI" + "za" + random_text(LETTERS, 35),
    "instagram": lambda: "IG" + "QV" + random_text(LETTERS, 40),
    "openai": lambda: "s" + "k-proj-" + random_text(LETTERS, 40),
    "replicate": lambda: "r" + "8_" + random_text(LETTERS, 37),
    "bcrypt": lambda: "$2" + "b$12$" + random_text(LETTERS, 53),
    "argon2": lambda: "$argon" + "2id$v=19$m=65536,t=3,p=4$" + random_text(LETTERS, 22),
    "django": lambda: "pbkdf2" + "_sha256$600000$" + random_text(LETTERS, 22),
    "scram": lambda: "SCRAM-" + "SHA-256$4096:" + random_text(LETTERS, 22),
    "md5": lambda: hashlib.md5(secrets.token_bytes(8)).hexdigest(),  # noqa: S324 - the kind to find
    "sha256": lambda: hashlib.sha256(secrets.token_bytes(8)).hexdigest().upper(),
    "base64": lambda: base64.b64encode(secrets.token_bytes(48)).decode(),
    "urlsafe": lambda: secrets.token_urlsafe(32),
    # Fixed ones of the lengths that are usual, which no run of letters and digits gives away.
    "urlsafe_cut": lambda: "pX-4vQ8_bT2m" + "-K9sZ_r7WcY1n" + "-G5hLq0_aV3eJ-6d",
    "urlsafe_short": lambda: "Zk3-vQ8bT2m_" + "K9sWr7-cY1",
    "nanoid": lambda: "V1StGXR8_Z5j" + "dHi6B-myT",
    "base64_cut": lambda: "q7Jx+2LdV9/c" + "R4tBz+8WmK/3nFy+6HsQ1/aPe5=",
    "alphanumeric": lambda: random_text(LETTERS, 24),
    "pem": lambda: "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "address": lambda: "see postgres://app:" + "hunter2" + "@db.example/app",
    "header": lambda: "Authorization: " + "Bearer " + random_text(LETTERS, 20),
    "query": lambda: "https://x.example/reset?" + "token=" + random_text(LETTERS, 8),
    "assignment": lambda: "the pass" + "word: tulips22",
    "json": lambda: json.dumps({"a": 1, "oauth": {"access" + "_token": "abcdefgh"}}),
    "otpauth": lambda: "otp" + "auth://totp/a?issuer=b",
}


@pytest.fixture(scope="module")
def hooks(
    newest_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Bench, dict[str, str]]]:
    """A synced table for each kind, with one token among a thousand harmless values; the tokens."""
    tokens = {kind: make() for kind, make in TOKENS.items()}
    with new_database(newest_server, f"t_{secrets.token_hex(6)}") as url:
        bench = Bench(url, tmp_path_factory.mktemp("hooks"))
        for kind, value in tokens.items():
            quoted, table = value.replace("'", "''"), f"hooks_{kind}"
            bench.pg(
                f"create table {table}"
                " (id int primary key, note text, list text[], raw bytea, fixed char(400))",
                f"insert into {table} select i, 'note ' || i, array['a', 'b'], 'x'::bytea, 'y'"
                " from generate_series(1, 1000) as i",
                f"update {table} set note = '{quoted}', list = array['a', '{quoted}'],"
                f" raw = convert_to('{quoted}', 'UTF8'), fixed = '{quoted}' where id = 777",
            )
        bench.sync()
        yield bench, tokens


@pytest.mark.parametrize("kind", TOKENS)
def test_values_that_look_like_credentials_never_leave(
    hooks: tuple[Bench, dict[str, str]], kind: str
) -> None:
    """One among a thousand harmless ones is enough, as text, in JSON, in a list and as bytes."""
    bench, tokens = hooks
    value, table = tokens[kind], f"hooks_{kind}"
    closed = {"note", "raw", "fixed"} | (set() if "\n" in value or kind == "json" else {"list"})
    assert {f"{table}.{column}" for column in closed} <= withheld(bench).keys()
    secret_part = value.split("\n")[0].encode()
    assert secret_part not in stored(bench)
    assert bench.ask(f"select count(*), count(note) from raw.{table}") == [(1000, 0)]


def test_harmless_values_are_mirrored(newest: Bench) -> None:
    """Words, names of files, addresses, ids of Stripe's and UUIDs are no credentials."""
    values = [
        "how-to-take-better-selfies-in-2024-with-your-phone", "IMG_20240101_123456_edited.jpg",
        "https://cdn.example/images/2024/01/portrait-of-a-person.png", str(uuid.uuid4()),
        "cus_" + random_text(LETTERS, 14), "pi_" + random_text(LETTERS, 24), "2024-01-01T00:00:00Z",
        "a@b.example", "Lorem ipsum dolor sit amet, the token gesture and a secret garden",
        '{"max_tokens": 1500, "password": null, "note": "none"}', "paid_blueprint_one_time_session",
        "+47 22 22 22 22", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "00000000000000000000000000000000",
        "1234567890123456789012345678901234567890", "Pneumonoultramicroscopicsilicovolcanoconiosis",
        "userProfileImageUploadV2", "2026-01-02T10_11_12Z-Export-User-42-Batch-7",
        "Images/2024/01/portrait-of-a-Person/large-v2", "AiPhotoStudioProPlan2-JaneDoe1990",
        "SSELFIE-Studio-2026-Q1-Brand-Photoshoot-V2", "iPhone15ProMaxPortrait-Mode_4K60fps-HDR10",
    ]  # fmt: skip
    newest.pg("create table hooks (id int primary key, note text, ulid_id text)")
    for number, value in enumerate(values):
        quoted = value.replace("'", "''")
        newest.pg(f"insert into hooks values ({number}, '{quoted}', '{random_text(LETTERS, 26)}')")
    newest.sync()
    assert withheld(newest) == {}
    assert [v for (v,) in newest.ask("select note from raw.hooks order by id")] == values


@pytest.mark.parametrize("any_server", [15], indirect=True, ids=["pg15"])
def test_a_collation_without_regular_expressions_hides_nothing(bench: Bench) -> None:
    bench.pg(
        "create collation folded"
        " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "create table hooks (id int primary key, note text collate folded, plain text)",
        f"insert into hooks values (1, '{TOKENS['github']()}', 'x')",
    )
    bench.sync()
    assert withheld(bench).keys() == {"hooks.note"}


def test_one_that_comes_later_closes_the_column(newest: Bench) -> None:
    newest.pg(
        "create table hooks (id int primary key, note text)", "insert into hooks values (1, 'a')"
    )
    newest.sync()
    assert newest.ask("select note from raw.hooks") == [("a",)]
    token = TOKENS["github"]()
    newest.pg(f"insert into hooks values (2, '{token}')")
    newest.sync()
    assert newest.ask("select id, note from raw.hooks order by id") == [(1, None), (2, None)]
    newest.pg("insert into hooks values (3, 'b')")
    assert newest.modes(newest.sync())["hooks"] == "incremental", "it stays closed"
    assert newest.ask("select count(*), count(note) from raw.hooks") == [(3, 0)]
    assert token.encode() not in stored(newest)


def test_what_an_earlier_version_mirrored_is_judged(newest: Bench) -> None:
    newest.pg("create table hooks (id int primary key, note text)")
    token = TOKENS["stripe"]()
    newest.pg(f"insert into hooks values (1, '{token}')")
    newest.sync(settings={"mirror": {"public": {"hooks": {"note": True}}}})
    assert newest.ask("select note from raw.hooks") == [(token,)]
    newest.sync()
    assert newest.ask("select note from raw.hooks") == [(None,)]


def test_the_line_of_status_opens_a_column(
    newest: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest.pg(
        'create table "Odd log" (id int primary key, "api key" text, note text)',
        f"""insert into "Odd log" values (1, 'a', '{TOKENS["jwt"]()}')""",
    )
    newest.sync()
    monkeypatch.chdir(tmp_path)
    lines = [row for row in newest.ask(status_query([])) if row[0] == "withheld"]
    assert [row[1] for row in lines] == ["public.Odd log.api key", "public.Odd log.note"]
    opening = [row[2].partition("opens it: ")[2] for row in lines]
    (tmp_path / "sselfie.toml").write_text("\n".join(opening) + "\n", encoding="utf-8")
    newest.sync(settings={"mirror": load_settings().mirror})
    assert withheld(newest) == {}
    assert newest.ask('select "api key" from raw."Odd log"') == [("a",)]
    newest.sync(settings={"mirror": {"public": {"Odd log": {"api key": False, "note": True}}}})
    assert withheld(newest) == {"Odd log.api key": "closed by [mirror]"}


def test_a_materialised_view_inherits_from_what_it_reads(newest: Bench) -> None:
    newest.pg(
        "create table instagram_connections (id int primary key, user_id text, token text,"
        " access_token text, username text)",
        "insert into instagram_connections values (1, 'u', 'made-up', 'made-up-2', 'anna')",
        "create view between as select user_id as who, upper(access_token) as what,"
        " username as nick, id as number from instagram_connections",
        "create materialized view shown as select who, what as x, nick, number,"
        " length(what) as long, what || nick as both from between",
        "create materialized view harmless as select user_id as who, count(*) as n"
        " from instagram_connections group by 1",
        "create materialized view joined as select user_id as who from instagram_connections"
        " union all select access_token from instagram_connections",
        "create materialized view inner_query as select s.y as x from"
        " (select access_token as y from instagram_connections) as s",
        "create materialized view whole as select c::text as x, to_jsonb(c) as j"
        " from instagram_connections as c",
        "create materialized view of_the_system as select rolname::text as a, oid::bigint as n"
        " from pg_catalog.pg_roles",
        "create materialized view of_the_catalog as select table_name::text as a, 1 as one"
        " from information_schema.tables",
    )  # fmt: skip
    newest.sync()
    found = {name for name in withheld(newest) if not name.startswith("instagram_connections.")}
    assert found == {
        "shown.x", "shown.both", "joined.who", "inner_query.x", "whole.x", "whole.j",
        "of_the_system.a", "of_the_system.n", "of_the_catalog.a", "of_the_catalog.one",
    }  # fmt: skip
    assert b"made-up" not in stored(newest).lower()
    assert b"MADE-UP" not in stored(newest)


@pytest.mark.parametrize("schema", ["pg_catalog", "information_schema", "pg_toast"])
def test_the_systems_schemas_are_refused(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSELFIE_SOURCE_SCHEMAS", f"public,{schema}")
    with pytest.raises(UsageError, match="never mirrored"):
        load_settings()
