"""The packaged migrations build the database that the contract documents."""

import psycopg

from sselfie_insights.contract import SERIAL, load_contract
from sselfie_insights.migrate import apply, load_migrations

# How PostgreSQL's format_type writes the documented types.
TYPES = {"timestamptz": "timestamp with time zone"}


def test_catalog_equals_contract(database: str) -> None:
    applied = apply(database)
    assert [migration.version for migration in applied] == list(range(1, len(applied) + 1))
    assert applied == load_migrations()
    assert apply(database) == []

    with psycopg.connect(database) as connection:
        found = connection.execute(
            """
            select
                class.relname,
                attribute.attname,
                format_type(attribute.atttypid, attribute.atttypmod),
                attribute.attnotnull,
                pg_get_expr(defaults.adbin, defaults.adrelid)
            from pg_class as class
            join pg_attribute as attribute on attribute.attrelid = class.oid
            left join pg_attrdef as defaults
                on defaults.adrelid = class.oid and defaults.adnum = attribute.attnum
            where
                class.relnamespace = 'public'::regnamespace
                and class.relkind = 'r'
                and attribute.attnum > 0
            order by class.relname collate "C", attribute.attnum
            """
        ).fetchall()
        keys = connection.execute(
            """
            select class.relname, constraints.contype, pg_get_constraintdef(constraints.oid)
            from pg_constraint as constraints
            join pg_class as class on class.oid = constraints.conrelid
            where
                class.relnamespace = 'public'::regnamespace
                and constraints.contype in ('p', 'u', 'f', 'c', 'x')
            """
        ).fetchall()

    contract = load_contract()
    expected = []
    expected_keys = []
    for name in sorted(contract):
        for column in contract[name].columns:
            default = column.default
            if default == SERIAL:
                default = f"nextval('{name}_{column.name}_seq'::regclass)"
            elif default is not None and column.data_type in ("text", "jsonb"):
                default = f"'{default}'::{column.data_type}"
            kind = TYPES.get(column.data_type, column.data_type)
            expected.append((name, column.name, kind, column.key == "primary", default))
            if column.key == "primary":
                expected_keys.append((name, "p", f"PRIMARY KEY ({column.name})"))
            if column.key == "unique":
                expected_keys.append((name, "u", f"UNIQUE ({column.name})"))
            if column.references is not None:
                expected_keys.append(
                    (
                        name,
                        "f",
                        f"FOREIGN KEY ({column.name}) REFERENCES {column.references}(id)",
                    )
                )
    assert found == expected
    assert sorted(keys) == sorted(expected_keys)
