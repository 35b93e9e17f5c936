"""`make smoke`: launches end to end through the real processes and pages, without a browser."""
