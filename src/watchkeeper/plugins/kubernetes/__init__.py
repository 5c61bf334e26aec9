"""Pods as targets, and workloads as signals, through kubectl."""
