"""
The desk on one machine: an embedded AWS, and what surrounds AWS in the world.

    customer ── SMTP ──> inbound ── S3, SNS ──> ┌──────────────┐ ── relay ──> outbound ──> mailbox
    program ─── HTTP ──> front_door ──────────> │ embedded AWS │ <── SES's events ──┘
                                                └──────────────┘ ── SNS ── SQS ──────────> mailbox

`aws` runs ministack, which is AWS in one process. It receives no mail, publishes no events of what it sends
and gives an API another id at each update; `inbound`, `outbound` and `front_door` do that in AWS's place, each
as AWS documents it. `mailbox` is what a customer sees. `desk` joins them for `make run` and for the tests.
"""
