"""How AWS tells the desk something.

Two doors, the queue (`consumer`) and HTTPS (`views`), check a message's SNS signature (`sns`) and hand it to
one function, `doors.take`. The invariant: a message is acknowledged only after what it says was committed, or
after it was put into quarantine; one that cannot be understood blocks nobody; and the same message, however
often, late or out of order it comes, has the effect it would have had once and in time.
"""
