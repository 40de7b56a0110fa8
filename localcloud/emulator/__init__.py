"""The AWS emulator of the local stacks: a moto server that keeps running between commands.

`server` is the process, `lifecycle` starts, finds and stops it, `patches` makes moto stricter
where AWS is.  The emulator holds its cloud in memory: when its process is gone, so is the cloud.
"""
