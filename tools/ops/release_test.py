"""release.sh and blue-green.sh against a kubectl that only renders: what they would do, in which order, and how they go back."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The real one renders; everything else is written down. FAILS names a role that does not become ready, or the migration.
FAKE = """#!/bin/sh
case "$*" in kustomize*) exec {kubectl} "$@" ;; esac
for last; do case "$previous" in --filename) cp "$last" "$TRACE.objects" ;; esac; previous=$last; done
echo "$*" >>"$TRACE"
case "$*" in
*'get job migrate'*Complete*) [ "$FAILS" = migrate ] || echo True ;;
*'get job migrate'*Failed*) [ "$FAILS" != migrate ] || echo True ;;
*'get deployments'*) printf 'deployment.apps/gateway\\ndeployment.apps/identity\\n' ;;
*'get service gateway -o'*) echo blue ;;
*'rollout status'*"/$FAILS "*) [ -e "$TRACE.back" ] ;;
*'rollout undo'*) touch "$TRACE.back" ;;
esac
"""


class ReleaseTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        kubectl = self.folder / "kubectl"
        kubectl.write_text(FAKE.format(kubectl=os.environ.get("AIPOTEN_KUBECTL", pathlib.Path(sys.executable).with_name("kubectl"))))
        kubectl.chmod(0o755)

    def run_script(self, *command, fails="nothing"):
        environment = os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}", "TRACE": str(self.folder / "trace"), "FAILS": fails}
        done = subprocess.run([ROOT / "deploy" / command[0], *command[1:]], env=environment, capture_output=True, text=True)
        trace = self.folder / "trace"
        return done, trace.read_text().splitlines() if trace.exists() else []

    def at(self, trace, words):
        found = [number for number, line in enumerate(trace) if words in line]
        self.assertTrue(found, f"{words!r} is not among {trace}")
        return found[0]

    def test_the_migration_comes_before_the_roles_and_everything_has_the_tag(self):
        done, trace = self.run_script("release.sh", "production", "1.2.3")
        self.assertEqual(done.returncode, 0, done.stderr)
        order = ["delete job migrate", "component!=role", "get job migrate", "apply --filename", "rollout status deployment.apps/identity"]
        self.assertEqual([self.at(trace, it) for it in order], sorted(self.at(trace, it) for it in order))
        self.assertTrue(all("--namespace aipoten " in line for line in trace if not line.startswith("apply")))
        images = {line.strip() for line in (self.folder / "trace.objects").read_text().splitlines() if line.strip().startswith("image:")}
        self.assertEqual({it.rpartition(":")[2] for it in images}, {"1.2.3"})
        self.assertEqual(len(images), 2)

    def test_a_role_that_does_not_become_ready_takes_all_back(self):
        done, trace = self.run_script("release.sh", "staging", "1.2.3", fails="identity")
        self.assertEqual(done.returncode, 1)
        self.assertIn("runs what it ran before", done.stderr)
        for name in ("gateway", "identity"):
            self.at(trace, f"--namespace aipoten-staging rollout undo deployment.apps/{name}")

    def test_without_a_migration_no_role_is_touched(self):
        done, trace = self.run_script("release.sh", "production", "1.2.3", fails="migrate")
        self.assertEqual(done.returncode, 1)
        self.assertIn("was not migrated", done.stderr)
        self.assertFalse([line for line in trace if "rollout" in line or line.startswith("apply --filename")])

    def test_what_is_no_tag_or_no_environment_is_refused(self):
        for arguments in (("production", "latest"), ("production", "a b"), ("nowhere", "1.2.3"), ("production",)):
            done, trace = self.run_script("release.sh", *arguments)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(trace, [])

    def test_a_colour_that_is_served_is_never_prepared(self):
        done, trace = self.run_script("blue-green.sh", "prepare", "blue", "1.2.3")
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse([line for line in trace if line.startswith("apply")])

    def test_the_other_colour_is_prepared_and_then_served(self):
        done, trace = self.run_script("blue-green.sh", "prepare", "green", "1.2.3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(self.at(trace, "condition=Complete job/migrate"), self.at(trace, "apply --selector aipoten.example/colour=green"))
        self.assertFalse([line for line in trace if "patch" in line])
        done, trace = self.run_script("blue-green.sh", "switch", "green")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(self.at(trace, "rollout status"), self.at(trace, 'patch service gateway --patch {"spec":{"selector":{"aipoten.example/colour":"green"}}}'))


if __name__ == "__main__":
    unittest.main()
