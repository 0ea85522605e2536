"""What runs the shards: processes of this machine, or Ray, by `signdiff_core.engines`."""
