"""Ranking, limiter and bus on a Redis or Valkey server that all nodes share."""
