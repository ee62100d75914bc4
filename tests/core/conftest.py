"""Hypothesis without deadlines: a slow machine is no reason to fail."""

from hypothesis import settings

settings.register_profile("scoreboard", deadline=None)
settings.load_profile("scoreboard")
