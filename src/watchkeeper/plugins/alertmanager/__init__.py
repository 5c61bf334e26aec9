"""Alertmanager: the routes and inhibit rules of the runbook in its words."""
