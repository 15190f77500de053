"""A Celery application, configured as users do: by the variables, or by the file that ``nexusdev env --for celery-sentinel`` writes."""

import os
from pathlib import Path

from celery import Celery

if Path("celeryconfig.py").exists():
    app = Celery("tasks")
    app.config_from_object("celeryconfig")
else:
    # CELERY_BROKER_URL and CELERY_RESULT_BACKEND replace both URLs, which Celery would refuse.
    app = Celery("tasks", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.update(
    task_default_queue=os.environ["CLIENTS_QUEUE"],
    broker_connection_retry_on_startup=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
)


@app.task
def add(a: int, b: int) -> int:
    return a + b
