"""The Grafana dashboard: described in ``rows``, laid out by ``layout``, written by ``python -m infra.grafana``."""
