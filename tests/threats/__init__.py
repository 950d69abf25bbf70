"""What could be done to the studio: each threat of ``threats.yaml``, tried on the real code.

A test says with ``@pytest.mark.threat("T6")`` what it holds off, wherever it stands; tests of this folder are about the
program as a whole and what is attacked in several places.
"""
