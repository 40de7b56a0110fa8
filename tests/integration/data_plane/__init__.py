"""What is tried on a running data plane: started once, and ended with the last test of it."""
