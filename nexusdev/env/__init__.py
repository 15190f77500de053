"""The variables for applications: rendered for every format, proven before they are printed, written atomically.

``fast``, ``stored``, ``formats``, ``proof`` and ``wire`` import only light parts of the standard library: ``nexusdev env`` answers
before anything else of nexusdev is loaded.
"""
