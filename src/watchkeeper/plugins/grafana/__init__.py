"""Grafana: dashboards drawn from the runbook."""
