"""What ``nexusdev demo`` shows: the sample shop (``shop.py``, an application like any other) and the chapters of the tour (``chapters.py``)."""
