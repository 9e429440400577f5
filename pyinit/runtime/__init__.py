"""What this machine has: kernels, threads, devices, memory."""
