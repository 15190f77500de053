"""Variables of redis-cli that set another login."""

#: The published variable whose meaning they change.
OF = "REDIS_URL"

COMPANIONS = ("REDISCLI_AUTH",)
