"""Real servers that run on this machine beside the emulator, each from a package registry."""
