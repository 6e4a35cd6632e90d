"""Whether running processes serve every metric of deploy/observability/metrics.md: live.py ADDRESS…, the operations ports of all roles.

A counter is there from the start, with 0; so is every metric whose labels are known in advance.
"""

import re
import sys
import urllib.request

from monitoring import SERIES, listed

# Written by scripts, not by processes.
ELSEWHERE = re.compile(r"aipoten_(backup|restore_test)_")


def main(addresses):
    served = set()
    for address in addresses:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            served |= {line.split("{")[0].split(" ")[0] for line in answer.read().decode().splitlines() if line and line[0] != "#"}
    served |= {SERIES.sub("", name) for name in served}
    ours = [name for name in listed()[0] if not ELSEWHERE.match(name)]
    missing = [name for name in ours if name not in served]
    unlisted = sorted(name for name in served if name.startswith("aipoten_") and SERIES.sub("", name) not in ours)
    for name in missing:
        print(f"{name} is not served")
    for name in unlisted:
        print(f"{name} is not in metrics.md")
    print(f"{len(ours)} metrics, {len(missing)} missing, {len(unlisted)} not listed")
    return 1 if missing or unlisted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
