"""Writes the dashboard's file anew; a test compares it with the description."""

from infra.grafana.layout import FILE, text

FILE.write_text(text(), encoding="utf-8")
