"""Dashboards as code: ``python -m deploy.monitoring`` writes deploy/grafana/dashboards/*.json."""
