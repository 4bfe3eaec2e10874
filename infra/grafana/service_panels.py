"""Panels of what serves: the API, its environments, battles and queues."""

from typing import Final

from infra.grafana.panel import Panel, Query, one, percentiles

_ROUTES: Final = ', operation=~"[A-Z]+ /.*"'

OVERVIEW: Final = (
    Panel(
        title="Regions reached",
        queries=one('up{job="arena", region=~"$region"}'),
        unit="none",
        kind="stat",
        meaning="1: its /metrics was reached at the last scrape.",
        width=6,
        thresholds=((0, "red"), (1, "green")),
    ),
    Panel(
        title="Dependencies",
        queries=one('aiba_dependency_up{region=~"$region"}', "{{dependency}} {{region}}"),
        unit="none",
        kind="stat",
        meaning="1: it answers within its budget.",
        width=6,
        thresholds=((0, "red"), (1, "green")),
    ),
    Panel(
        title="Errors",
        queries=one('region:aiba_http_errors:ratio_rate5m{region=~"$region"}'),
        unit="percentunit",
        kind="stat",
        meaning="Answers with 5xx by requests, of five minutes.",
        width=6,
        thresholds=((0.01, "yellow"), (0.05, "red")),
    ),
    Panel(
        title="Alerts",
        queries=one(
            'count by (alertname, region) (ALERTS{alertstate="firing", alertname=~"Arena.*", region=~"$region"})',
            "{{alertname}} {{region}}",
        ),
        unit="none",
        kind="stat",
        meaning="Those raised now; their runbooks are linked in docs/monitoring.md.",
        width=6,
        thresholds=((1, "red"),),
    ),
)

API: Final = (
    Panel(
        title="Requests by status",
        queries=one(
            'sum by (region, status) (rate(aiba_http_requests_total{region=~"$region"}[$__rate_interval]))',
            "{{status}} {{region}}",
        ),
        unit="reqps",
    ),
    Panel(
        title="Latency",
        queries=percentiles("aiba_region_processing_latency_seconds", chosen=_ROUTES),
        unit="s",
        meaning="Until the answer was ready, of all routes; right to a bucket.",
        thresholds=((2.5, "red"),),
    ),
    Panel(
        title="Slowest routes, p95",
        queries=one(
            "topk(10, histogram_quantile(0.95, sum by (region, operation, le) "
            f'(rate(aiba_region_processing_latency_seconds_bucket{{region=~"$region"{_ROUTES}}}[$__rate_interval]))))',
            "{{operation}} {{region}}",
        ),
        unit="s",
    ),
    Panel(
        title="Requests by route",
        queries=one(
            'topk(10, sum by (region, route) (rate(aiba_http_requests_total{region=~"$region"}[$__rate_interval])))',
            "{{route}} {{region}}",
        ),
        unit="reqps",
    ),
    Panel(
        title="Refused by limits",
        queries=one(
            "sum by (region, limit) (rate(aiba_limiter_decisions_total"
            '{region=~"$region", decision="refused"}[$__rate_interval]))',
            "{{limit}} {{region}}",
        ),
        unit="reqps",
    ),
    Panel(
        title="WebSocket connections",
        queries=one('aiba_websocket_connections{region=~"$region"}'),
        unit="short",
    ),
)

ENVIRONMENTS: Final = (
    Panel(
        title="Provisioned, ready, in use",
        queries=one('aiba_scaling_environments{region=~"$region"}', "{{state}} {{region}}"),
        unit="short",
        meaning="As the controller saw them at its last evaluation.",
    ),
    Panel(
        title="Spilled over",
        queries=one('aiba_scaling_spillover_per_second{region=~"$region"}'),
        unit="reqps",
        meaning="Requests no provisioned environment served.",
    ),
    Panel(
        title="Decisions and moves in an hour",
        queries=(
            Query(
                'sum by (region, action) (increase(aiba_scaling_decisions_total{region=~"$region"}[1h]))',
                "{{action}} {{region}}",
            ),
            Query(
                'sum by (region, outcome) (increase(aiba_scaling_moves_total{region=~"$region"}[1h]))',
                "{{outcome}} {{region}}",
            ),
        ),
        unit="short",
    ),
    Panel(
        title="Environments by how they were started",
        queries=one(
            'sum by (region, function, initialization) (aiba_instances{region=~"$region"})',
            "{{function}} {{initialization}} {{region}}",
        ),
        unit="short",
        meaning="That told something within the last minute; an idle one is frozen and tells nothing.",
    ),
    Panel(
        title="CPU of each environment",
        queries=one('aiba_instance_cpu_share{region=~"$region", instance=~"$instance"}', "{{instance}} {{region}}"),
        unit="percentunit",
        thresholds=((0.9, "red"),),
    ),
    Panel(
        title="Memory of each environment",
        queries=one('aiba_instance_memory_share{region=~"$region", instance=~"$instance"}', "{{instance}} {{region}}"),
        unit="percentunit",
        thresholds=((0.9, "red"),),
    ),
    Panel(
        title="Requests of each environment",
        queries=one('aiba_request_rate{region=~"$region", instance=~"$instance"}', "{{instance}} {{region}}"),
        unit="reqps",
    ),
    Panel(
        title="Busy share of each environment",
        queries=one('aiba_instance_busy_share{region=~"$region", instance=~"$instance"}', "{{instance}} {{region}}"),
        unit="percentunit",
    ),
    Panel(
        title="Scheduled runs in an hour",
        queries=one(
            'sum by (region, schedule, outcome) (increase(aiba_scheduled_runs_total{region=~"$region"}[1h]))',
            "{{schedule}} {{outcome}} {{region}}",
        ),
        unit="short",
    ),
)

BATTLES: Final = (
    Panel(
        title="Battles by arena and league",
        queries=one(
            'sum by (region, arena, league) (rate(aiba_battles_total{region=~"$region"}[$__rate_interval]))',
            "{{arena}} {{league}} {{region}}",
        ),
        unit="ops",
        meaning="Fought, direct and queued.",
        width=12,
    ),
    Panel(
        title="Battles in all",
        queries=one('region:aiba_battles:rate5m{region=~"$region"}'),
        unit="ops",
        width=12,
    ),
)

QUEUES: Final = (
    Panel(
        title="Messages",
        queries=one(
            'aiba_queue_messages{region=~"$region", state!="dead"}',
            "{{queue}} {{state}} {{region}}",
        ),
        unit="short",
        meaning="About, each minute.",
        width=12,
    ),
    Panel(
        title="Dead letters",
        queries=one('aiba_queue_messages{region=~"$region", state="dead"}', "{{queue}} {{region}}"),
        unit="short",
        width=12,
        thresholds=((1, "red"),),
    ),
    Panel(
        title="Battles queued, by arena and league",
        queries=one('aiba_battle_queue_length{region=~"$region"}', "{{arena}} {{league}} {{region}}"),
        unit="short",
        width=12,
    ),
    Panel(
        title="Oldest queued battle, by arena and league",
        queries=one('aiba_battle_queue_oldest_seconds{region=~"$region"}', "{{arena}} {{league}} {{region}}"),
        unit="s",
        width=12,
        thresholds=((600, "red"),),
    ),
    Panel(
        title="Time of a batch, p95",
        queries=one(
            "histogram_quantile(0.95, sum by (region, operation, le) (rate("
            'aiba_region_processing_latency_seconds_bucket{region=~"$region", operation=~"queue .*"}'
            "[$__rate_interval])))",
            "{{operation}} {{region}}",
        ),
        unit="s",
        width=12,
    ),
)
