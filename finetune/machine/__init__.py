"""What this machine has, and what it allows.

hardware        the device, its memory, the precision it trains in
device_errors   what errors of PyTorch say of the device: out of memory, or lost
peak            the peak meter
lease           one holder of the device at a time
limits          what the container's limits leave (cgroups)
libraries       the heavy libraries: loaded late and quietly
attention       how attention is computed while a model trains
malloc          the C library's heap
"""
