"""Plays the console of AWS Service Catalog for an end user: launch, watch, update and terminate products."""
