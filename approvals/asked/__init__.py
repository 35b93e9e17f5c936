"""What is being asked: the launch's own template, read by the worker for the people who decide.

Invariant: nothing here is ever in the way of a decision. A request is opened with a TemplateReading, the worker fills
it (claim → commit → I/O → settle), pages show what is there. Only a template whose digest is the announced one counts:
what is shown is what was signed.
"""
