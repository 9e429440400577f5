"""The resources of this machine: kernels, threads, devices and memory."""
