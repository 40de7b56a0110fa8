"""The `tenancy` command, and what a script calls instead of it."""
