"""Every rule of the checker refuses what it is for. Each test breaks one thing in the objects of production."""

import copy
import os
import unittest

import check
import environment
from objects import OVERLAYS, parse, pods, render

PROGRAM = environment.Program(os.environ["AIPOTEN_EXECUTABLE"])
GOOD = render(OVERLAYS / "production")


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.objects = copy.deepcopy(GOOD)

    def find(self, kind, name):
        return next(it for it in self.objects if it["kind"] == kind and it["metadata"]["name"].startswith(name))

    def pod(self, name):
        return next(it for it in pods(self.objects) if it.name == name)

    def container(self, name):
        return self.pod(name).spec["containers"][0]

    def settings(self):
        return self.find("ConfigMap", "settings")["data"]

    def policy(self, name):
        return self.find("NetworkPolicy", name)["spec"]

    def remove(self, kind, name):
        self.objects.remove(self.find(kind, name))

    def refused(self, words):
        found = []
        for it in check.problems(self.objects, PROGRAM):
            found.append(it)
            if words in it:
                return
        self.fail(f"{words!r} is not among {found}")

    def test_what_is_right_is_left_alone(self):
        self.assertEqual(list(check.problems(self.objects, PROGRAM)), [])

    def test_a_wrong_field_is_refused(self):
        self.container("gateway")["livenessProb"] = {}
        self.refused("'livenessProb' was unexpected")

    def test_a_wrong_type_is_refused(self):
        self.find("HorizontalPodAutoscaler", "gateway")["spec"]["maxReplicas"] = "many"
        self.refused("'many' is not of type")

    def test_a_wrong_field_of_an_operator_is_refused(self):
        self.assertEqual(list(check.custom_schemas(self.objects)), [])
        self.find("ServiceMonitor", "aipoten")["spec"]["endpoints"][0]["scrapeIntervall"] = "15s"
        self.find("ExternalSecret", "gateway")["spec"]["data"][0].pop("remoteRef")
        monitor, secret = sorted(check.custom_schemas(self.objects), reverse=True)
        self.assertIn("scrapeIntervall", monitor)
        self.assertIn("remoteRef", secret)

    def test_an_unknown_kind_is_refused(self):
        self.find("Job", "migrate")["kind"] = "Jobb"
        self.refused("find schema for kind Jobb")

    def test_a_missing_probe_is_refused(self):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            with self.subTest(probe):
                self.objects = copy.deepcopy(GOOD)
                del self.container("identity")[probe]
                self.refused(f"{probe} is missing")

    def test_missing_bounds_are_refused(self):
        del self.container("content")["resources"]["limits"]["memory"]
        self.refused("limits of memory are missing")
        del self.find("CronJob", "backup")["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]
        self.refused("activeDeadlineSeconds is missing")

    def test_rights_are_refused(self):
        for change, words in (
            (lambda it: it["securityContext"].update(readOnlyRootFilesystem=False), "can be written"),
            (lambda it: it["securityContext"].update(allowPrivilegeEscalation=True), "may gain rights"),
            (lambda it: it["securityContext"].update(runAsUser=0), "runs as root"),
            (lambda it: it["securityContext"]["capabilities"].update(add=["NET_ADMIN"]), "keeps capabilities"),
        ):
            with self.subTest(words):
                self.objects = copy.deepcopy(GOOD)
                change(self.container("matching"))
                self.refused(words)

    def test_a_pod_that_may_be_root_or_has_a_token_is_refused(self):
        spec = self.pod("billing").spec
        spec["automountServiceAccountToken"] = True
        self.refused("gets a token")
        del spec["securityContext"]["runAsNonRoot"]
        self.refused("may run as root")
        del spec["securityContext"]["seccompProfile"]
        self.refused("no seccomp profile")
        spec["serviceAccountName"] = "default"
        self.refused("service account default")

    def test_an_image_without_a_fixed_tag_is_refused(self):
        for image in ("ghcr.io/aipoten/aipoten", "ghcr.io/aipoten/aipoten:latest"):
            with self.subTest(image):
                self.container("gateway")["image"] = image
                self.refused("no fixed tag")

    def test_a_role_without_budget_scaler_or_spread_is_refused(self):
        self.remove("PodDisruptionBudget", "gateway")
        self.refused("no PodDisruptionBudget")
        self.remove("HorizontalPodAutoscaler", "content")
        self.refused("no HorizontalPodAutoscaler")
        self.pod("identity").spec["topologySpreadConstraints"].pop()
        self.refused("not spread over")

    def test_a_rollout_that_loses_requests_is_refused(self):
        self.find("Deployment", "gateway")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = 1
        self.refused("take replicas away")
        self.pod("gateway").spec["terminationGracePeriodSeconds"] = 10
        self.refused("no 30 seconds")
        del self.container("gateway")["lifecycle"]
        self.refused("told to stop before")

    def test_more_connections_than_there_are_is_refused(self):
        self.settings()["AIPOTEN__IDENTITY__DATABASE__MAX_CONNECTIONS"] = "60"
        self.refused("connections to the database")

    def test_an_unknown_variable_is_refused(self):
        self.settings()["AIPOTEN__GATEWAY__LISTN"] = "0.0.0.0:3000"
        self.refused("knows no variable AIPOTEN__GATEWAY__LISTN")

    def test_a_variable_that_the_program_cannot_read_is_refused(self):
        self.settings()["AIPOTEN__MATCHING__CARE_DAYS"] = "a month"
        self.refused("the program refuses its variables: configuration key `matching.care_days`")

    def test_a_development_secret_in_production_is_refused(self):
        self.container("gateway")["env"].append({"name": "AIPOTEN__GATEWAY__CSRF_KEY", "value": "dev-" + "x" * 40})
        self.refused("holds a development secret")

    def test_a_missing_variable_is_refused(self):
        env = self.container("billing")["env"]
        env.remove(next(it for it in env if it["name"] == "AIPOTEN__BILLING__DATABASE__URL_FILE"))
        self.refused("AIPOTEN__BILLING__DATABASE__URL is missing")

    def test_an_unknown_command_and_a_role_that_is_nowhere_are_refused(self):
        self.container("content")["args"] = ["contents"]
        self.refused("knows no command contents")
        self.refused("the role content is nowhere")

    def test_a_secret_that_is_not_there_is_refused(self):
        data = self.find("ExternalSecret", "gateway")["spec"]["data"]
        data.remove(next(it for it in data if it["secretKey"] == "csrf-key"))
        self.refused("the Secret gateway has no csrf-key")

    def test_a_secret_in_the_environment_is_refused(self):
        reference = {"secretKeyRef": {"name": "gateway", "key": "csrf-key"}}
        self.container("backup")["env"].append({"name": "KEY", "valueFrom": reference})
        self.refused("mount the file")

    def test_a_policy_that_is_missing_is_refused(self):
        self.remove("NetworkPolicy", "to-redis")
        self.refused("identity cannot reach redis on port 6379")
        self.remove("NetworkPolicy", "deny-all")
        self.refused("another pod may reach migrate on port every")

    def test_a_policy_that_opens_too_much_is_refused(self):
        self.policy("to-postgres")["podSelector"]["matchExpressions"][0]["values"].append("gateway")
        self.refused("gateway may reach postgres on port 5432")
        self.policy("gateway")["ingress"][0]["from"] = [{"namespaceSelector": {}}]
        self.refused("another pod may reach gateway on port 3000")
        self.policy("to-outside")["egress"][0]["to"][0]["ipBlock"]["except"] = []
        self.refused("billing may reach the cloud's metadata on port 443")

    def test_a_call_between_roles_that_nobody_makes_is_refused(self):
        self.policy("content")["ingress"][0]["from"].append({"podSelector": {"matchLabels": {"app.kubernetes.io/name": "matching"}}})
        target = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "content"}}}
        self.policy("matching")["egress"].append({"to": [target], "ports": [{"port": 5002}]})
        self.refused("matching may reach content on port 5002")

    def test_a_service_that_leads_nowhere_is_refused(self):
        self.find("Service", "matching")["spec"]["selector"]["app.kubernetes.io/name"] = "match"
        self.refused("Service matching: it selects no pod")

    def test_what_is_there_twice_is_refused(self):
        self.objects += parse("{apiVersion: v1, kind: Service, metadata: {name: gateway, namespace: aipoten}}")
        self.assertIn("Service gateway: it is there twice", list(check.once(self.objects)))


if __name__ == "__main__":
    unittest.main()
