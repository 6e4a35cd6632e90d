"""Checks what is deployed without Kubernetes, and what watches all of it: check.py PROGRAM."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "k8s"))

import containers
import environment
import monitoring


def main(path):
    problems = [*containers.check(environment.Program(path)), *monitoring.check()]
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"images, compose files, monitoring: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
