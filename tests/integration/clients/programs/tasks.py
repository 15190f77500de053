"""A Celery application that is configured from the environment: Celery reads CELERY_BROKER_URL and CELERY_RESULT_BACKEND."""

from celery import Celery

app = Celery("tasks")
app.conf.update(
    task_default_queue="clients:celery",
    broker_connection_retry_on_startup=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
)


@app.task
def add(a: int, b: int) -> int:
    return a + b
