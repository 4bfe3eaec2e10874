"""Panels of what is stored: replication, cache and database."""

from typing import Final

from infra.grafana.panel import Panel, Query, one, percentiles

REPLICATION: Final = (
    Panel(
        title="Lag",
        queries=percentiles("aiba_replication_lag_seconds", by="source"),
        unit="s",
        meaning="From an event's commit in its region to its application here.",
        thresholds=((2, "yellow"), (30, "red")),
    ),
    Panel(
        title="Oldest not sent",
        queries=one('aiba_replication_oldest_waiting_seconds{region=~"$region"}', "{{region}} to {{target}}"),
        unit="s",
        thresholds=((120, "red"),),
    ),
    Panel(
        title="Waiting and set aside",
        queries=(
            Query('aiba_replication_waiting{region=~"$region"}', "waiting: {{region}} to {{target}}"),
            Query('aiba_replication_set_aside{region=~"$region"}', "set aside: {{region}} to {{target}}"),
        ),
        unit="short",
    ),
    Panel(
        title="Events sent",
        queries=one(
            'sum by (region, target, outcome) (rate(aiba_replication_sent_total{region=~"$region"}[$__rate_interval]))',
            "{{region}} to {{target}} {{outcome}}",
        ),
        unit="ops",
    ),
    Panel(
        title="Events received",
        queries=one(
            "sum by (region, source, fate) "
            '(rate(aiba_replication_received_total{region=~"$region"}[$__rate_interval]))',
            "{{region}} from {{source}} {{fate}}",
        ),
        unit="ops",
    ),
    Panel(
        title="Differences found in an hour",
        queries=one('increase(aiba_replication_differences_total{region=~"$region"}[1h])'),
        unit="short",
        thresholds=((1, "red"),),
    ),
)

CACHE: Final = (
    Panel(
        title="Hit ratio",
        queries=one('aiba_cache_hit_ratio{region=~"$region"}'),
        unit="percentunit",
        meaning="Of the last minute; missing when nothing was looked up.",
    ),
    Panel(
        title="Commands by outcome",
        queries=one(
            'sum by (region, outcome) (rate(aiba_cache_commands_total{region=~"$region"}[$__rate_interval]))',
            "{{outcome}} {{region}}",
        ),
        unit="ops",
    ),
    Panel(title="Latency of commands", queries=percentiles("aiba_cache_command_seconds"), unit="s"),
    Panel(
        title="Memory of each master",
        queries=one('aiba_cache_memory_used_bytes{region=~"$region"}', "{{node}} {{region}}"),
        unit="bytes",
    ),
    Panel(
        title="Operations of each master",
        queries=one('aiba_cache_operations_per_second{region=~"$region"}', "{{node}} {{region}}"),
        unit="ops",
    ),
    Panel(
        title="Breakers open",
        queries=one('sum by (region) (aiba_cache_breaker_open{region=~"$region"})'),
        unit="short",
        thresholds=((1, "red"),),
    ),
)

DATABASE: Final = (
    Panel(
        title="Commands",
        queries=one(
            'sum by (region, command) (rate(aiba_database_commands_total{region=~"$region"}[$__rate_interval]))',
            "{{command}} {{region}}",
        ),
        unit="ops",
    ),
    Panel(
        title="Not carried out",
        queries=one('region:aiba_database_errors:ratio_rate5m{region=~"$region"}'),
        unit="percentunit",
        meaning="Commands that failed by commands, of five minutes; conflicts that are tried again are among them.",
        thresholds=((0.05, "red"),),
    ),
    Panel(title="Latency of commands", queries=percentiles("aiba_database_command_seconds"), unit="s"),
    Panel(
        title="Connections of pools",
        queries=one(
            'sum by (region, pool, state) (aiba_database_pool_connections{region=~"$region", instance=~"$instance"})',
            "{{pool}} {{state}} {{region}}",
        ),
        unit="short",
        width=12,
    ),
    Panel(
        title="No connection to give, in an hour",
        queries=one(
            'sum by (region, pool) (increase(aiba_database_checkout_failures_total{region=~"$region"}[1h]))',
            "{{pool}} {{region}}",
        ),
        unit="short",
        width=12,
        thresholds=((1, "red"),),
    ),
)
