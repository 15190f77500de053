"""Variables of AWS libraries that set another identity, or an endpoint that excludes a custom URL.

From the settings reference of the AWS SDKs. Preferences that change no meaning (AWS_MAX_ATTEMPTS, AWS_RETRY_MODE) are not among them.
"""

#: The published variable whose meaning they change.
OF = "AWS_ACCESS_KEY_ID"

COMPANIONS = (
    *("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID"),
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"),
)
