"""`make smoke-aws`: every way a gated launch or update can end, in three accounts of one sandbox."""
