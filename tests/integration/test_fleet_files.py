"""The files in deploy/: valid by their schemas, and true of modegate."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from support.balancers import FOLDER as BALANCERS
from support.openapi import DOCUMENT
from support.packaging import ROOT

from modegate.adapters.prometheus.merging import RULES
from modegate.entrypoints.config.raw_settings import NAMES
from modegate.entrypoints.config.settings import Settings

DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SETTINGS = {name.upper() for name in NAMES}
GATEWAYS = {name: it for name, it in COMPOSE["services"].items() if name.startswith("gateway")}
INTERPOLATED = re.compile(r"\$\{(\w+):[?-]\}")
# Seconds from the last cancelled request to the end of the process and its children.
END_S = 10


def manifests() -> Iterator[dict[str, Any]]:
    for path in MANIFESTS:
        yield from yaml.safe_load_all(path.read_text())


def manifest(kind: str) -> dict[str, Any]:
    (found,) = (it for it in manifests() if it["kind"] == kind)
    return found


def pod() -> dict[str, Any]:
    found: dict[str, Any] = manifest("Deployment")["spec"]["template"]["spec"]
    return found


def container() -> dict[str, Any]:
    (found,) = pod()["containers"]
    return dict(found)


def variables() -> dict[str, str]:
    """The variables of a gateway in Kubernetes."""
    names = container()["envFrom"]
    assert [it.keys() for it in names] == [{"configMapRef"}, {"secretRef"}]
    return {**manifest("ConfigMap")["data"], **manifest("Secret")["stringData"]}


@pytest.mark.parametrize("path", [DEPLOY / "compose.yaml", ROOT / "compose.yaml"], ids=str)
def test_compose_files_are_valid(path: Path) -> None:
    schema = files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    document = yaml.safe_load(path.read_text())
    jsonschema.validate(document, json.loads(schema.read_text()))
    document["services"]["modegate"] = {"ports": {"not": "a list"}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json.loads(schema.read_text()))


def test_manifests_are_valid() -> None:
    for document in manifests():
        kubernetes_validate.validate(document, "1.37", strict=True)
        document["spec"] = {"unknown": 1}
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(document, "1.37", strict=True)


def test_settings_in_the_files_exist() -> None:
    assert {*variables()} <= SETTINGS
    for gateway in GATEWAYS.values():
        assert {*gateway["environment"]} <= SETTINGS
    compose = (DEPLOY / "compose.yaml").read_text()
    example = (DEPLOY / "fleet.env.example").read_text()
    assert {*INTERPOLATED.findall(compose)} == {*re.findall(r"^(\w+)=", example, re.MULTILINE)}


def test_settings_in_the_files_are_valid() -> None:
    environments = [*(it["environment"] for it in GATEWAYS.values()), variables()]
    for environment in environments:
        told = {
            name.lower(): INTERPOLATED.sub(r"\1-0123456789", value)
            for name, value in environment.items()
        }
        Settings.model_validate(told)


def test_probes_ask_paths_that_exist() -> None:
    probes = [container()[f"{name}Probe"] for name in ("startup", "liveness", "readiness")]
    assert [it["httpGet"]["path"] for it in probes] == ["/live", "/live", "/health"]
    paths = {it["httpGet"]["path"] for it in probes}
    for name in ("haproxy.cfg", "envoy.yaml", "traefik.yaml"):
        text = (BALANCERS / name).read_text()
        paths |= {*re.findall(r"(?:GET |path: )(/\w+)", text)}
    assert paths <= DOCUMENT["paths"].keys()


def test_ports_are_those_of_the_gateway() -> None:
    port = variables()["PORT"]
    (opened,) = container()["ports"]
    (served,) = manifest("Service")["spec"]["ports"]
    assert opened["containerPort"] == int(port)
    assert served["targetPort"] == opened["name"]
    assert {it["environment"]["PORT"] for it in GATEWAYS.values()} == {port}
    for path in BALANCERS.iterdir():
        found = re.findall(r"gateway-\d(?::|, port_value: )(\d+)", path.read_text())
        assert {*found} == {port}
    (published,) = COMPOSE["services"]["balancer"]["ports"]
    assert f"bind :{published.rpartition(':')[2]}" in (BALANCERS / "haproxy.cfg").read_text()


def test_the_autoscaler_asks_for_metrics_that_exist() -> None:
    metrics = manifest("HorizontalPodAutoscaler")["spec"]["metrics"]
    (name,) = (it["pods"]["metric"]["name"] for it in metrics if it["type"] == "Pods")
    assert name in RULES
    target = manifest("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    deployment = manifest("Deployment")
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])


def test_a_gateway_has_the_time_to_drain() -> None:
    ends = [(it["environment"], seconds(it["stop_grace_period"])) for it in GATEWAYS.values()]
    hook = container()["lifecycle"]["preStop"]["sleep"]["seconds"]
    ends.append((variables(), pod()["terminationGracePeriodSeconds"] - hook))
    for environment, grace in ends:
        delay, timeout = (
            int(environment[name]) / 1000 for name in ("DRAIN_DELAY_MS", "SHUTDOWN_TIMEOUT_MS")
        )
        assert grace >= delay + timeout + END_S
    haproxy = re.search(r"inter (\d+)s fall (\d+)", (BALANCERS / "haproxy.cfg").read_text())
    assert haproxy is not None
    noticed = int(haproxy[1]) * (int(haproxy[2]) + 1)
    assert all(
        int(it["environment"]["DRAIN_DELAY_MS"]) > 1000 * noticed for it in GATEWAYS.values()
    )


def seconds(text: str) -> float:
    assert text.endswith("s")
    return float(text.removesuffix("s"))


def test_gateways_run_unprivileged_on_a_read_only_file_system() -> None:
    for gateway in GATEWAYS.values():
        assert gateway["read_only"] is True
        assert gateway["cap_drop"] == ["ALL"]
        assert gateway["security_opt"] == ["no-new-privileges:true"]
    (user,) = re.findall(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    security = pod()["securityContext"]
    assert security["runAsNonRoot"] is True
    assert {security[name] for name in ("runAsUser", "runAsGroup", "fsGroup")} == {int(user)}
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_state_folder_is_a_volume() -> None:
    mounts = {it["mountPath"]: it["name"] for it in container()["volumeMounts"]}
    state = variables()["MODEGATE_STATE_DIR"]
    assert {*mounts} == {state, "/tmp"}  # noqa: S108 - the container's
    assert {*mounts.values()} == {it["name"] for it in pod()["volumes"]}
    volumes = [it["volumes"] for it in GATEWAYS.values()]
    for (volume,) in volumes:
        assert volume.partition(":")[2] == state
        assert volume.partition(":")[0] in COMPOSE["volumes"]
    assert len({volume for (volume,) in volumes}) == len(GATEWAYS) == 3


def test_all_manifests_select_the_gateways() -> None:
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert manifest("Service")["spec"]["selector"] == labels
    assert manifest("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels


def test_mounted_and_built_files_exist() -> None:
    mounted = COMPOSE["services"]["balancer"]["volumes"][0].partition(":")[0]
    assert (DEPLOY / mounted).is_file()
    assert {(DEPLOY / it["build"]).resolve() for it in GATEWAYS.values()} == {ROOT}
    extras = re.search(r"'\.\[([\w,]+)\]'", (ROOT / "Dockerfile").read_text())
    assert extras is not None
    assert {"claude", "postgres", "redis"} <= {*extras[1].split(",")}
