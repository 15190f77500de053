"""Small helpers that do not depend on instances, engines or products."""
