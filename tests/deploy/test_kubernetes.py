"""It is promised that the manifests are well-formed, restricted, and fit together."""

import shutil
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.conftest import Require
from tests.deploy.material import DEPLOY, KUSTOMIZATION, MANIFESTS, document, objects, pods, run

VERSIONS = ("1.29", "1.37")
"""The oldest and the newest that the manifests are checked against."""


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_field(version: str) -> None:
    checked = list(objects())
    for each in checked:
        kubernetes_validate.validate(each, version, strict=True)
    assert len(checked) > 10


def test_the_kustomization_names_every_manifest() -> None:
    named_there = {*document(KUSTOMIZATION)["resources"], KUSTOMIZATION.name}
    assert named_there == {manifest.name for manifest in MANIFESTS}


def test_the_kustomization_can_be_built(require: Require) -> None:
    require("kubectl", shutil.which("kubectl"), "no kubectl on PATH")
    built = list(yaml.safe_load_all(run("kubectl", "kustomize", DEPLOY / "kubernetes")))
    for each in built:
        kubernetes_validate.validate(each, VERSIONS[-1], strict=True)
    assert {each["kind"] for each in built} >= {"Deployment", "Ingress", "ConfigMap", "Job"}


def test_every_pod_is_restricted() -> None:
    for pod in pods():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_a_gateway_gets_no_password_of_the_database() -> None:
    (gateway,) = (each for each in objects() if named(each, "Deployment", "scoreboard-gateway"))
    pod = gateway["spec"]["template"]["spec"]
    (secrets,) = (each["secret"] for each in pod["volumes"] if "secret" in each)
    assert [item["key"] for item in secrets["items"]] == ["secret"]


def test_selectors_find_pods() -> None:
    templates = [each["spec"]["template"] for each in objects() if each["kind"] == "Deployment"]
    labels = [template["metadata"]["labels"] for template in templates]
    found = [each for each in objects() if each["kind"] in {"Service", "PodDisruptionBudget"}]
    for each in found:
        selector = each["spec"]["selector"]
        wanted = selector.get("matchLabels", selector).items()
        assert any(wanted <= have.items() for have in labels), each["metadata"]["name"]
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]
        for each in objects()
        if each["kind"] == "HorizontalPodAutoscaler"
    }
    assert all(any(named(each, "Deployment", name) for each in objects()) for name in scaled)


def test_prometheus_asks_for_the_pods_by_a_name_that_has_all_of_them() -> None:
    job = document(DEPLOY / "prometheus/kubernetes.yml")["scrape_configs"][0]
    (found,) = job["dns_sd_configs"]
    (name,) = found["names"]
    service = next(each for each in objects() if named(each, "Service", name.split(".")[0]))
    assert name == f"{service['metadata']['name']}.scoreboard.svc"
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"]
    assert [port["port"] for port in service["spec"]["ports"]] == [found["port"]]


def named(each: dict[str, Any], kind: str, name: str) -> bool:
    return each["kind"] == kind and each["metadata"]["name"] == name


def test_no_password_is_in_an_environment_or_a_manifest() -> None:
    for pod in pods():
        (container,) = pod["containers"]
        assert all("value" in each and "@" not in each["value"] for each in container["env"])
    assert not any(each["kind"] == "Secret" for each in objects())
