"""Clients of the service: HTTP and live."""
