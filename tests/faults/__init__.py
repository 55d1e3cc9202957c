"""
Nothing lost, nothing twice: every call to AWS failed in every way, and every order of two deliveries.

| module | holds |
|---|---|
| sky | AWS as far as the desk calls it, in memory: thousands of schedules in a minute |
| lab | botocore's hooks: count the calls, fail the k-th, stop between two |
| stage | the desk under test and the world around it: clients, queues, the stream, the clock, SES's events |
| picture | what is there in the end, as text: without ids and times |
| scenarios | each use case: what is given, what happens, and what must be seen then, literally |
| races | deliveries that meet, and what must be seen then, literally |
| explore | one fault, two faults, all orders |
| campaign | `python -m tests.faults.campaign`: the long runs |
| sending | `python -m tests.faults.sending`: what becomes of a mail when sending fails, as a table |
"""
