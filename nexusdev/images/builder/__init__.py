"""Builds one image: its Dockerfile, the stages run in build containers, and the build's use of the host."""
