"""The stack on Kubernetes. ``render/`` makes its manifests from the compose files; it is pure and needs no cluster."""
