"""Variables of libpq that lead elsewhere, change a session, or demand of TLS what the stack does not offer.

From libpq's list of environment variables. Preferences that change no meaning (PGAPPNAME, PGCONNECT_TIMEOUT) are not among them.
"""

#: The published variable whose meaning they change.
OF = "PGHOST"

COMPANIONS = (
    *("PGHOSTADDR", "PGSERVICE", "PGOPTIONS", "PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS"),
    *("PGSSLCERT", "PGSSLKEY", "PGSSLCERTMODE", "PGSSLCRL", "PGSSLCRLDIR", "PGSSLSNI", "PGSSLNEGOTIATION"),
    *("PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION", "PGMINPROTOCOLVERSION", "PGMAXPROTOCOLVERSION"),
    *("PGREQUIRESSL", "PGREQUIREAUTH", "PGREQUIREPEER", "PGCHANNELBINDING"),
    *("PGGSSENCMODE", "PGGSSDELEGATION", "PGGSSLIB", "PGKRBSRVNAME"),
)
