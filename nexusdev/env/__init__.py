"""The variables that applications read: rendered for every reader, proven before they are printed, written so that no half file stays.

``fast``, ``stored``, ``formats``, ``proof`` and ``wire`` import only light parts of the standard library: ``nexusdev env`` answers
before anything else of nexusdev is loaded.
"""
