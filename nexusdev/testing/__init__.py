"""What test suites use: the pytest plugin, and the objects that its fixtures give.

plugin.py       options, fixtures and hooks; imports the standard library and pytest alone, because every pytest run loads it
run.py          one pytest process: its instance, its leases, what is dropped at the end
pool.py         databases and slices that are made, cleaned and dropped in the background
migrations.py   templates: migrations run once per content, for all tests and processes
resources.py    what the fixtures give: a database, a Redis user, a bucket, a Vault folder
"""
