"""What the warehouse says of its mirror: freshness, secrets, text, names and differences."""

from collections.abc import Iterable

from sselfie_insights.settings import CONFIG_FILE
from sselfie_insights.sql import literal


def status_query(runs: Iterable[tuple[str, str, str]]) -> str:
    """Return the query, for the warehouse, whose rows are its status: item, subject, detail.

    Args:
        runs: Such rows of what the journal says, which go first.
    """
    journal = "".join(
        f" union all select {position}, {', '.join(map(literal, row))}"
        for position, row in enumerate(runs, start=-1000)
    )
    return f"""
        with columns as (
            select *, schema_name || '.' || table_name || '.' || column_name as name
            from meta.mirror_columns
        ),
        last_run as (
            select * from meta.sync_runs order by snapshot_at desc, started_at desc limit 1
        ),
        recent_runs as (
            select * from meta.sync_runs order by snapshot_at desc, started_at desc limit 10
        ),
        status (position, item, subject, detail) as (
            select
                0, 'last sync', strftime(snapshot_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S UTC'),
                mode || ', run ' || run_id || ', from ' || source
            from last_run
            {journal}
            union all select
                2, 'mirrored', count(*) || ' tables', coalesce(sum(row_count), 0) || ' rows'
            from meta.mirror_tables
            union all select
                2, 'older', schema_name || '.' || table_name,
                'as of ' || strftime(snapshot_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S UTC')
                || ': the last sync left it out'
            from meta.mirror_tables
            join meta.sync_runs using (run_id)
            anti join last_run using (run_id)
            union all select 3, 'secret', name, 'stays in Postgres, NULL here'
            from columns where travel = 'secret' and reason = 'secret'
            union all select
                3, 'withheld', name,
                reason || ': NULL here. This line in {CONFIG_FILE} opens it: mirror.'
                || list_aggregate(
                    [
                        if(regexp_full_match(part, '[A-Za-z0-9_-]+'), part, to_json(part)::varchar)
                        for part in [schema_name, table_name, column_name]
                    ], 'string_agg', '.'
                ) || ' = true'
            from columns where travel = 'secret' and reason <> 'secret'
            union all select 4, 'kept as text', name, reason from columns where travel = 'text'
            union all select
                5, 'renamed', schema_name || '.' || table_name,
                mirror_schema || '.' || mirror_table || ' here'
            from meta.mirror_tables where table_name <> mirror_table
            union all select 5, 'renamed', name, mirror_column || ' here'
            from columns where column_name <> mirror_column
            union all select
                6, 'counted only', schema_name || '.' || table_name,
                row_count || ' rows without columns'
            from meta.mirror_tables anti join meta.mirror_columns using (schema_name, table_name)
            union all select
                7, 'differed', schema_name || '.' || table_name, detail
            from meta.sync_tables semi join last_run using (run_id)
            where verification = 'different'
            union all select 8, 'contract', concat_ws('.', table_name, column_name),
                kind || if(kind like '% gone', ', last seen ', ': ') || detail
                || if(kind = 'table not mirrored', '; ''sselfie doctor'' says what to do', '')
            from meta.contract_drift
            union all select 9, 'changed', concat_ws('.', table_name, column_name),
                kind || ': ' || detail || ', run ' || run_id
            from meta.schema_changes semi join recent_runs using (run_id)
        )
        select item, subject, detail from status order by position, item, subject, detail
    """
