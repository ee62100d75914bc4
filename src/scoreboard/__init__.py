"""Scoreboard: points for finished actions, ranked, live on every screen."""

__version__ = "0.1.0"
