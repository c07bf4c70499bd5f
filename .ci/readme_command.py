"""Print the n-th command of the README (its first blocks marked ```sh, one line each)."""

import re
import sys
from pathlib import Path

blocks = re.findall(r"^```sh\n(.*?)^```", Path("README.md").read_text(encoding="utf-8"), flags=re.M | re.S)
print(blocks[int(sys.argv[1]) - 1].strip())
