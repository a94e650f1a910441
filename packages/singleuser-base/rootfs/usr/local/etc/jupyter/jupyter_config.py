"""What Jupyter's programs have in common in all images: read by each of them.

Kernels, terminals and editors do not read this file, so they do not see the folder.
"""

import os
import shutil
import sys

from traitlets.config import get_config

c = get_config()

# The platform's own server extensions: no part of any environment, so that one copy serves all.
sys.path.append("/opt/jhub-docker/lib")

# How long a kernel may take to answer for the first time. After Jupyter's own minute its page loses
# the connection, on a machine that is so busy that it needs that minute.
c.MappingKernelManager.kernel_info_timeout = 300

# One adds packages, not extensions that have to be built.
c.LabApp.extension_manager = "readonly"

# Signatures of trusted notebooks, and ids of files: where the home is on a network.
if state := os.environ.get("JHUB_LOCAL_STATE"):
    c.NotebookNotary.db_file = f"{state}/nbsignatures.db"
    c.BaseFileIdManager.db_path = f"{state}/file_id_manager.db"

# A menu offers the formats that work: some ask for programs, three for browsers of their own.
programs = {"ASCIIDoc": "pandoc", "Latex": "pandoc", "RST": "pandoc", "PDF": "xelatex"}
unusable = [exporter for exporter, program in programs.items() if not shutil.which(program)]
for exporter in (*unusable, "WebPDF", "QtPDF", "QtPNG"):
    c[f"{exporter}Exporter"].enabled = False
