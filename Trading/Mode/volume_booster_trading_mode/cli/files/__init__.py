"""The files that the commands read and write."""
