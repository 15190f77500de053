"""Variables of redis-cli that set another login."""

#: The variable of ours whose meaning they change.
OF = "REDIS_URL"

COMPANIONS = ("REDISCLI_AUTH",)
