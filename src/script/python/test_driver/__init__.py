"""What a NixOS test script sees, in front of a driver that does the work."""
