"""Where Jupyter's programs find the platform's own server extension.

It is no part of any image's environment, so that one copy serves all of them. Kernels, terminals
and editors do not read this file, so they do not see the folder.
"""

import sys

sys.path.append("/opt/jhub-docker/lib")
