"""Ranking, limiter and bus on a Redis or Valkey server that all nodes share."""

from scoreboard.adapters.redis.bus import RedisBus
from scoreboard.adapters.redis.limiter import RedisLimiter
from scoreboard.adapters.redis.ranking import RedisRanking

__all__ = ["RedisBus", "RedisLimiter", "RedisRanking"]
