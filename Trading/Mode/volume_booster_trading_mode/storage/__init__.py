"""What is on the disk: files for their owner only, a home that one launcher holds, logs that stay small."""
