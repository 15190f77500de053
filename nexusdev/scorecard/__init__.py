"""The rows of the scorecard that concern several components: many users at once (``users.py``), and security controls (``security.py``)."""
