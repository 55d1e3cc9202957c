"""
Thirty days of three storefronts in minutes: the real use cases, a made-up world around them, faults in every call.

| module | holds |
|---|---|
| store | the sky of tests.faults with sorted indexes, so that a call costs the same however full the table is |
| weather | faults by chance, and clients that answer without building HTTP requests |
| fronts | three storefronts in three time zones |
| hours | working time and targets, reckoned a second time, minute by minute, without the desk's own code |
| play | customers, agents, SES, queues, the stream and the clock |
| diary | what happened, as the store and the people saw it |
| checks | what must be true of a diary |
| bugs | what is broken on purpose, to see that the checks see it |
| __main__ | `python -m tests.soak --seed 1 --days 30 --tickets 10000 --faults 0.02` |
"""
