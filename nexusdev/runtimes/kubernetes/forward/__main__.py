"""``python -m nexusdev.runtimes.kubernetes.forward FOLDER``: the process of the forward of one instance."""

from __future__ import annotations

import sys
from pathlib import Path

from nexusdev.runtimes.kubernetes.forward.files import ForwardFiles
from nexusdev.runtimes.kubernetes.forward.supervisor import main

if __name__ == "__main__":
    sys.exit(main(ForwardFiles(Path(sys.argv[1]))))
