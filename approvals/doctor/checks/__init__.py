"""The checks, one module per subject. Each is found by being here: see approvals.doctor.registry."""
