"""Small helpers that know nothing of instances, engines or products."""
