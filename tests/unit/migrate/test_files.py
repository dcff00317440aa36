"""Migration files: names, numbers, encodings, directives."""

from pathlib import Path

import pytest

from sselfie_insights.errors import MigrationError, UsageError
from sselfie_insights.migrate import load_migrations
from sselfie_insights.migrate.files import create_migration


def write(folder: Path, name: str, content: bytes | str = "select 1;") -> None:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"0001_make_a.sql": "", "0002_make_b.sql": "select 1;"}, "0001_make_a.sql holds no stat"),
        ({"0001_make_a.sql": "-- nothing\n/* at all */ ;;"}, "holds no statement"),
        ({"0001_make_a.sql": "select 1;", "0003_make_c.sql": "select 1;"}, "0002 is missing"),
        ({"0002_make_b.sql": "select 1;"}, "0001 is missing"),
        ({"0001_make_a.sql": "select 1;", "0001_make_b.sql": "select 1;"}, "have the number 0001"),
        ({"1_make_a.sql": "select 1;"}, "1_make_a.sql is not a migration's name"),
        ({"0001_make_a.SQL": "select 1;"}, "is not a migration's name"),
        ({"0001-make-a.sql": "select 1;"}, "is not a migration's name"),
        ({"\u0660\u0660\u0660\u0661_make_a.sql": "select 1;"}, "is not a migration's name"),
        ({"20240101120000_make_a.sql": "select 1;"}, "is not a migration's name"),
        ({"0001_make_a.sql": "select 1;", "0002_make_b.sql.txt": "x"}, "0002_make_b.sql.txt is no"),
        ({"0001_make_a.sql": "select 1; -- migrate: no-transaction"}, "inside or behind a stat"),
        ({"0001_make_a.sql": "select\n-- lint: ignore x y\n1;"}, "line 2: .* inside or behind"),
        ({"0001_make_a.sql": b"\xff\xfes\x00e\x00"}, "cannot be read as UTF-8"),
        ({"0001_make_a.sql": b"select 1;\x00"}, "zero bytes"),
        ({"0001_make_a.sql": "select 'open;"}, "line 1: a quote ' is opened"),
        ({"0001_make_a.sql": "select 1;\n\nselect $$open;"}, r"line 3: \$\$ is opened"),
        ({"0001_make_a.sql": "select 1; /* /* */"}, r"a comment /\* is opened"),
        ({"0001_make_a.sql": "\\connect other"}, "backslash commands"),
        ({"0001_make_a.sql": "copy public.a from stdin;"}, "COPY FROM STDIN has no client"),
        ({"0001_make_a.sql": "copy (select 1) to stdout;"}, "COPY TO STDOUT has no client"),
        ({"0001_make_a.sql": "-- migrate: no-transactions\nselect 1;"}, "is not understood"),
        ({"0001_make_a.sql": "-- migrate: skip-missing\nselect 1;"}, "needs '-- migrate: no-tr"),
        ({"0001_make_a.sql": "-- lint: ignore some-rule\nselect 1;"}, "is not understood"),
    ],
)
def test_refused(tmp_path: Path, files: dict[str, str | bytes], message: str) -> None:
    for name, content in files.items():
        write(tmp_path, name, content)
    with pytest.raises(MigrationError, match=message):
        load_migrations(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of migrations"):
        load_migrations(tmp_path / "nowhere")


def test_the_digest_sees_the_text_alone(tmp_path: Path) -> None:
    digests = set()
    for content in (b"select 1;\nselect 2;\n", b"\xef\xbb\xbfselect 1;\r\nselect 2;\r\n"):
        write(tmp_path, "0001_make_a.sql", content)
        digests.add(load_migrations(tmp_path)[0].sha256)
    # sha256sum of "select 1;\nselect 2;\n"
    assert digests == {"061e995aebcb765888ac7580f67ee3815a03b9b9c3fd5ff2dbb40db98b53a737"}


def test_create_migration(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    first = create_migration(folder, "add_plans")
    assert first.name == "0001_add_plans.sql"
    first.write_text("select 1;")
    second = create_migration(folder, "index_plans", in_transaction=False)
    assert second.name == "0002_index_plans.sql"
    assert "-- migrate: no-transaction" in second.read_text()
    with pytest.raises(MigrationError, match=r"0002_index_plans\.sql holds no statement"):
        create_migration(folder, "add_more")
    second.write_text("select 1;")
    with pytest.raises(UsageError, match="no part of a file's name"):
        create_migration(folder, "../plans")


@pytest.mark.parametrize(
    "name", ["0001_Make A.sql", "0001_make.sql", "0001_2_ändere-was.sql", "0001_a.b.sql"]
)
def test_any_name_behind_the_number_will_do(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    write(tmp_path, "README.md", "notes")
    write(tmp_path, ".0002_swap.sql", "notes")
    assert [m.label for m in load_migrations(tmp_path)] == [name.removesuffix(".sql")]


@pytest.mark.parametrize(
    "text",
    [
        "select '\n-- migrate: no-transaction\n';",
        "do $$\n-- migrate: no-transaction\n$$;",
        "/*\n-- migrate: no-transaction\n*/ select 1;",
        'select 1 as "\n-- migrate: no-transaction\n";',
    ],
)
def test_what_looks_like_a_directive_in_a_literal_is_none(tmp_path: Path, text: str) -> None:
    write(tmp_path, "0001_make_a.sql", text)
    assert load_migrations(tmp_path)[0].in_transaction
