"""The Kubernetes runtime of one instance, in one namespace of any cluster. ``render/`` makes the manifests, and needs no cluster."""
