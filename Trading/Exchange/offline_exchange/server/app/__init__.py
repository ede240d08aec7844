"""The server as a process: its options, and the state that it keeps."""
