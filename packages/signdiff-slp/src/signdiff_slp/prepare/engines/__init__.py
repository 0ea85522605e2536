"""What runs the shards: processes of this machine, or Ray. Both call the same function, and write the same bytes."""
