"""Prometheus and what answers like it, asked by PromQL."""
