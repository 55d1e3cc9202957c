"""
The doors of the desk. Each is a Lambda function; what is behind one is imported when it first opens.
"""

import gc
from collections.abc import Callable
from functools import partial
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, CORSConfig, DynamoDBEvent, Response, SQSEvent

from chalicelib.handlers.routes import ROUTES, Route

gc.disable()  # what a start makes stays: no garbage is looked for before the first event is answered (handlers/lines.py)


class Desk(Chalice):
    """Chalice behind an HTTP API, of which it knows nothing."""

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 Lambda's
        from chalicelib.handlers import gateway

        return gateway.answered(self.routes, event, partial(super().__call__, context=context))


app = Desk(app_name="careline", configure_logs=False)  # lines.py writes to the logger of this name: once
app.api.binary_types = []
_cors = CORSConfig(allow_headers=["Idempotency-Key"], expose_headers=["Location", "ETag", "Retry-After"], max_age=600)


def _view(route: Route) -> Callable[..., Response]:
    def view(**parameters: str) -> Response:
        from chalicelib.handlers import door

        if app.current_request is None:
            raise AssertionError("a view is called with a request")
        return door.opened(route, app.current_request, parameters)

    view.__name__ = route.opens.replace(".", "_")
    return view


for _route in ROUTES:
    _on = app.route(_route.path, methods=[_route.method], content_types=[], cors=_cors if _route.cors else None)
    _on(_view(_route))


@app.on_sqs_message(queue_arn="IntakeMessages", batch_size=10, name="intake_queue")
def intake_queue(event: SQSEvent) -> object:
    from chalicelib.handlers import events

    return events.intake_queue(event.to_dict())


@app.on_sqs_message(queue_arn="InboundMailMessages", batch_size=5, name="inbound_mail")
def inbound_mail(event: SQSEvent) -> object:
    from chalicelib.handlers import events

    return events.inbound_mail(event.to_dict())


@app.on_sqs_message(queue_arn="MailFeedbackMessages", batch_size=10, name="mail_feedback")
def mail_feedback(event: SQSEvent) -> object:
    from chalicelib.handlers import events

    return events.mail_feedback(event.to_dict())


@app.schedule("rate(1 minute)", name="sweep")
def sweep(event: CloudWatchEvent) -> None:
    from chalicelib.handlers import events

    events.sweep(event.to_dict())


@app.on_sqs_message(queue_arn="DueMessages", batch_size=1, name="due_work")
def due_work(event: SQSEvent) -> object:
    from chalicelib.handlers import events

    return events.due_work(event.to_dict())


@app.on_dynamodb_record(stream_arn="TableStream", batch_size=10, starting_position="LATEST", name="outbox")
def outbox(event: DynamoDBEvent) -> object:
    from chalicelib.handlers import events

    return events.outbox(event.to_dict())


@app.on_sqs_message(queue_arn="OutboxMessages", batch_size=10, name="outbox_retry")
def outbox_retry(event: SQSEvent) -> object:
    from chalicelib.handlers import events

    return events.outbox_retry(event.to_dict())


@app.schedule("rate(15 minutes)", name="reconcile")
def reconcile(event: CloudWatchEvent) -> None:
    from chalicelib.handlers import events

    events.reconcile(event.to_dict())
