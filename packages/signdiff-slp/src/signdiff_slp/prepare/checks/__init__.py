"""Check How2Sign's tables against its clips: `check.check` gives what is wrong, and the sentences that are left."""
