"""Measurements of the service: every figure a ratio of the same run on the same machine."""
