"""Renders the stack as Kubernetes manifests. Pure: the same stack and options give the same text.

``folder.manifests`` returns the objects by file, ``text.to_yaml`` writes them. What the compose files say and Kubernetes cannot do is an
error with file, line and key.
"""
