"""What test suites use: the pytest plugin, and the objects that its fixtures give.

plugin.py       options, fixtures and hooks; imports the standard library and pytest alone, because every pytest run loads it
chaos.py        failures of servers, and the way back
turns.py        tests run side by side, a test that breaks servers runs alone
failure.py      what the report of a failed test says about the servers
own_stack.py    an instance that is brought up for a run (--nexus=up)
run.py          one pytest process: its instance, its leases, what is dropped at the end
pool.py         databases and slices that are made, cleaned and dropped in the background
migrations.py   templates: migrations run once per content, for all tests and processes
resources.py    what the fixtures give: a database, a Redis user, a bucket, a Vault folder
"""
