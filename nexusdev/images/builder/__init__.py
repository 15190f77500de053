"""Building one image: its Dockerfile, the stages run in build containers, and what the host lends to a build."""
