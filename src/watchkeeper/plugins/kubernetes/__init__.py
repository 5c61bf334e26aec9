"""Pods as targets, through kubectl."""
