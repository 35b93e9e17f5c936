"""The doctor: what is wrong with the desk and the AWS side of it, why it matters and what to do.

One module per subject in `checks/`. It only reads (`visit`), and it never fails as a whole (`running`).
"""
