"""What an upstream's answer is, judged by its bytes; without I/O but for reading on."""
