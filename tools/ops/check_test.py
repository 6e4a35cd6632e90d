"""The checks of images, compose files and monitoring refuse what they are for."""

import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "k8s"))

import containers
import monitoring


class ContainersTest(unittest.TestCase):
    def test_a_copy_of_nothing_and_of_what_is_ignored_is_refused(self):
        with tempfile.NamedTemporaryFile("w", suffix="Dockerfile") as image:
            image.write("FROM scratch\nCOPY Cargo.toml nowhere /\nCOPY k8s /k8s\nCOPY --from=build /x /x\n")
            image.flush()
            found = list(containers.copies(pathlib.Path(image.name)))
        self.assertEqual(len(found), 3, found)
        self.assertIn("there is no nowhere", found[0])
        self.assertIn("k8s is kept from the builder", found[2])

    def test_a_secret_that_is_not_given_is_refused(self):
        service = {"secrets": ["a"], "environment": {"X_FILE": "/run/secrets/b"}, "volumes": ["gone:/x", "./nowhere:/y"]}
        found = list(containers.mounts("s", service, {"a": {}}, {"there"}))
        self.assertEqual(len(found), 3, found)

    def test_waiting_for_the_health_of_who_tells_none_is_refused(self):
        made = {"x": {"image": "x:1"}}
        service = {"deploy": {"resources": {"limits": {"cpus": "1"}}}, "depends_on": {"x": {"condition": "service_healthy"}}}
        self.assertEqual(len(list(containers.bounds("s", service, made))), 1)


class MonitoringTest(unittest.TestCase):
    def test_metrics_are_found_in_expressions_and_labels_are_not(self):
        expression = (
            'sum by (role, pool_name) (rate(aipoten_a_total{job_x="up_y"}[5m])) / on (instance_x) other_b > 0.8 and up == 0'
            " or histogram_quantile(0.95, sum by (le) (rate(aipoten_c_seconds_bucket[5m]))) > aipoten:d:ratio"
        )
        wanted = {"aipoten_a_total", "other_b", "up", "aipoten_c_seconds_bucket", "aipoten:d:ratio"}
        self.assertEqual(monitoring.names_in(expression), wanted)

    def test_a_metric_that_nobody_lists_and_an_alert_without_test_or_runbook_are_refused(self):
        rule = {"alert": "Odd", "expr": "aipoten_nowhere > 0", "labels": {"severity": "loud"}}
        rule["annotations"] = {"runbook": "deploy/runbooks/money.md"}
        with mock.patch.object(monitoring, "rules", lambda: [*RULES, rule]):
            found = list(monitoring.check())
        for words in ("aipoten_nowhere is not in metrics.md", "Odd has no test", "no heading Odd", "its severity is none"):
            self.assertTrue(any(words in it for it in found), f"{words}: {found}")
        self.assertEqual(len(found), 4, found)

    def test_a_runbook_for_no_alert_is_refused(self):
        with mock.patch.object(monitoring, "rules", lambda: [it for it in RULES if it.get("alert") != "BooksAreWrong"]):
            found = list(monitoring.alerts_have_runbooks())
        self.assertEqual(found, ["deploy/runbooks/money.md: BooksAreWrong is no alert"])


RULES = list(monitoring.rules())

if __name__ == "__main__":
    unittest.main()
