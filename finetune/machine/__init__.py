"""What this machine has, and what it allows.

hardware        the device, its memory, the precision it trains in
host            which machine this is, for others that share a folder with it
device_errors   which errors of PyTorch mean out of memory, and which a lost CUDA context
peak            the peak meter
lease           one holder of the device at a time
limits          the container's limits on cores and main memory (cgroups)
space           what a Hugging Face Space means for a training: does it keep files, when would it sleep
libraries       the heavy libraries: loaded late and quietly
rendering       chat templates of others, rendered in a process of their own
renderer        that process
attention       the attention implementation that a model trains with
gauges          what is measured of it after each step, and shown
malloc          the C library's heap
"""
