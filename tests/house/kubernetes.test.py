#!/usr/bin/env python3
"""deploy/kubernetes: the manifests say what Kubernetes, programs, other manifests and metrics understand, nothing runs with
more rights than it needs, and the indexed job makes a version when its pods are processes. Prints TAP."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from patience import PROGRAM_S  # noqa: E402
from promtool import MISSING, PROGRAM as PROMTOOL, promtool  # noqa: E402
from served import working_folder  # noqa: E402
from tap import check, finish, skip  # noqa: E402

try:
    import yaml
except ImportError:
    yaml = None

FOLDER = "deploy/kubernetes"
BUILD = os.environ.get("BUILD", "build")
# Made by hand, as settings.yaml says.
SECRETS = {"blindlist-state": {"password"}, "blindlist-key": {"key"}}
VOLUMES_OF_OTHERS = {"blindlist-long-lists"}
# Fields of Kubernetes' published API, by scripts/record-kubernetes-fields.
FIELDS = "tests/house/recorded/kubernetes.json"
PLAIN = {"str": str, "int": int, "bool": bool, "object": (str, int)}


def read_all():
    found = {}
    for path in sorted(glob.glob(f"{FOLDER}/*.yaml")):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(path)] = [document for document in yaml.safe_load_all(file) if document]
    return found


# ---- the published API ----

def faults(value, of_type, where, types):
    """What is no field, of another type, or lacking."""
    container, _, inner = of_type.rstrip("]").partition("[")
    if inner:
        if not isinstance(value, list if container == "List" else dict):
            return [f"{where}: no {of_type}"]
        pairs = enumerate(value) if container == "List" else value.items()
        return [fault for at, one in pairs for fault in faults(one, inner.rpartition(" ")[2], f"{where}.{at}", types)]
    if of_type in PLAIN:
        is_right = isinstance(value, PLAIN[of_type]) and (isinstance(value, bool) == (of_type == "bool"))
        return [] if is_right else [f"{where}: {value!r} is no {of_type}"]
    if of_type not in types:
        return [f"{where}: {of_type} is not in {FIELDS}"]
    known = types[of_type]
    if not isinstance(value, dict):
        return [f"{where}: no {of_type}"]
    found = [f"{where}: {of_type} has no field {name}" for name in value if name not in known["fields"]]
    found += [f"{where}: {name} is lacking" for name in known["required"] if name not in value]
    for name, one in value.items():
        found += faults(one, known["fields"].get(name, "str"), f"{where}.{name}", types)
    return found


def check_fields(documents):
    with open(FIELDS, encoding="utf-8") as file:
        recorded = json.load(file)
    for document in documents:
        who = f"{document['kind']} {name_of(document)}"
        kind = recorded["kinds"].get(f"{document['apiVersion']} {document['kind']}", "")
        wrong = faults(document, kind, document["kind"], recorded["types"])
        check(kind and not wrong, f"{who} is as Kubernetes' API has it", "\n".join(wrong))
    bad = {"apiVersion": "v1", "kind": "Service", "metadata": {"nam": "x", "labels": {"a": 1}},
           "spec": {"ports": [{"name": "x", "port": "80"}, {}], "selector": []}}
    wrong = faults(bad, recorded["kinds"]["v1 Service"], "", recorded["types"])
    check(len(wrong) == 5, "where it is not, that is found", "\n".join(wrong))


# ---- what belongs together ----

def pod_of(document):
    """The pod that an object makes, or None."""
    if document["kind"] == "CronJob":
        return document["spec"]["jobTemplate"]["spec"]["template"]
    return document["spec"]["template"] if document["kind"] in ("Deployment", "Job") else None


def name_of(document):
    return document["metadata"].get("name") or document["metadata"]["generateName"]


def help_of(program, *words):
    return subprocess.run([os.path.join(BUILD, program), *words, "--help"], stdout=subprocess.PIPE, text=True,
                          timeout=PROGRAM_S).stdout


def check_flags(container, who):
    program, words = container["command"][0], list(container["args"])
    text = help_of(program, *([words[0]] if program == "blindlist" else []))
    for word in words:
        flag = word.split("=")[0]
        if flag.startswith("--"):
            check(re.search(rf"{flag}\b", text), f"{who}: {program} knows {flag}")


def check_rights(pod, container, who):
    outer, inner = pod["spec"]["securityContext"], container["securityContext"]
    check(outer["runAsNonRoot"] and outer["runAsUser"] > 0 and outer["seccompProfile"]["type"] == "RuntimeDefault" and
          not inner["allowPrivilegeEscalation"] and inner["readOnlyRootFilesystem"] and
          inner["capabilities"] == {"drop": ["ALL"]} and not pod["spec"]["automountServiceAccountToken"],
          f"{who}: no root, no capabilities, nothing to write but volumes")
    check("memory" in container["resources"]["limits"] and "cpu" in container["resources"]["requests"],
          f"{who}: says what it needs")
    with open("Dockerfile", encoding="utf-8") as file:
        check(f"\nUSER {outer['runAsUser']}:{outer['runAsGroup']}\n" in file.read(), f"{who}: runs as the user of the image")


def check_volumes(pod, container, who, objects):
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    check(mounted == set(volumes), f"{who}: each volume is mounted, and each mount has one", (mounted, set(volumes)))
    for volume in volumes.values():
        if "configMap" in volume:
            check(("ConfigMap", volume["configMap"]["name"]) in objects, f"{who}: the settings of {volume['name']} are there")
        elif "secret" in volume:
            check(volume["secret"]["secretName"] in SECRETS, f"{who}: the secret of {volume['name']} is one that is made")
        elif "persistentVolumeClaim" in volume:
            claim = volume["persistentVolumeClaim"]["claimName"]
            check(claim in VOLUMES_OF_OTHERS or ("PersistentVolumeClaim", claim) in objects, f"{who}: {claim} is there")
    for variable in container.get("env", []):
        secret = variable["valueFrom"].get("secretKeyRef")
        if secret:
            check(secret["key"] in SECRETS.get(secret["name"], ()), f"{who}: the secret of {variable['name']} is one that is made")


def check_probes(container, metrics):
    ports = {port["name"] for port in container["ports"]}
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container[kind]["httpGet"]
        check(asked["port"] in ports and f"`{asked['path']}`" in metrics, f"{kind} asks for what the admin address has")


def check_waiting(container, folder):
    """It ends as soon as there is a version to serve."""
    data = os.path.join(folder, "awaited")
    words = [word.replace("/data", data) for word in container["command"]]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as waiting:
        is_waiting = waiting.poll() is None
        os.makedirs(f"{data}/one.example/version")
        os.symlink("version", f"{data}/one.example/current")
        check(is_waiting and waiting.wait(PROGRAM_S) == 0 and {"name": "data", "mountPath": "/data", "readOnly": True} in
              container["volumeMounts"], "the servers wait for the first version")


def check_selectors(documents, labels):
    for document in documents:
        selector = document.get("spec", {}).get("selector") or document.get("spec", {}).get("podSelector")
        if selector and document["kind"] != "Deployment":
            wanted = selector.get("matchLabels", selector)
            check(any(wanted.items() <= own.items() for own in labels), f"{document['kind']} {name_of(document)} finds its pods")


def check_settings(objects, folder):
    settings = json.loads(objects["ConfigMap", "blindlist-server"]["data"]["server.json"])
    data = os.path.join(folder, "data")
    listed = os.path.join(folder, "list.txt")
    with open(listed, "w", encoding="utf-8") as out:
        out.write("ads.example\n")
    subprocess.run([os.path.join(BUILD, "blindlist"), "compile", listed, "-u", "a.b", "-o", data], check=True,
                   stdout=subprocess.DEVNULL, timeout=PROGRAM_S)
    key = os.path.join(folder, "key")
    with open(key, "wb") as out:
        out.write(os.urandom(32))
    os.chmod(key, 0o600)
    # Its database is not there; all else is as it will be.
    settings.update({"data": data, "keyFile": key, "state": os.path.join(folder, "state")})
    path = os.path.join(folder, "server.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump(settings, out)
    done = subprocess.run([os.path.join(BUILD, "blindlist-server"), "--config", path, "--check-config"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PROGRAM_S)
    check(done.returncode == 0, "the server takes its settings", done.stdout)
    lists = json.loads(objects["ConfigMap", "blindlist-lists"]["data"]["lists.json"])
    for source in lists["sources"]:
        source["file"] = listed
        del source["url"]
    path = os.path.join(folder, "lists.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump(lists, out)
    done = subprocess.run([os.path.join(BUILD, "blindlist"), "update", path, "--data", os.path.join(folder, "updated")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PROGRAM_S)
    check(done.returncode == 0, "the update takes its lists", done.stdout)


def check_scaling(documents, metrics):
    scaler = next(d for d in documents["autoscaling.yaml"])
    wanted = scaler["spec"]["metrics"][0]["pods"]["metric"]["name"]
    rule = documents["prometheus-adapter.yaml"][0]["rules"]["custom"][0]
    check(rule["name"]["as"] == wanted, "the autoscaler asks for what the adapter gives")
    check_adapter_by_promtool(rule)
    for name in set(re.findall(r"blindlist_\w+?(?=_sum|_count)", rule["metricsQuery"] + rule["seriesQuery"])):
        check(f"`{name}`" in metrics, f"{name} is measured")
    target = scaler["spec"]["scaleTargetRef"]
    check(any((d["kind"], name_of(d)) == (target["kind"], target["name"]) for d in documents["server.yaml"]),
          "what is scaled is there")


def check_adapter_by_promtool(rule):
    """The figure, as the adapter asks for it: 20 ms a query on one server, and 0 where nobody asks."""
    if PROMTOOL is None:
        skip(MISSING)
        return
    query = rule["metricsQuery"].replace("<<.LabelMatchers>>", 'namespace="default",pod=~"a|b"').replace("<<.GroupBy>>", "pod")
    own = 'namespace="default",route="queries"'
    cases = {"tests": [{
        "interval": "30s",
        "input_series": [{"series": f'blindlist_queue_seconds_{what}{{pod="{pod}",{own}}}', "values": values}
                         for pod, what, values in (("a", "sum", "0+1x20"), ("a", "count", "0+50x20"),
                                                   ("b", "sum", "5x20"), ("b", "count", "70x20"))],
        "promql_expr_test": [{"expr": query, "eval_time": "10m", "exp_samples": [
            {"labels": '{pod="a"}', "value": 0.02}, {"labels": '{pod="b"}', "value": 0}]}]}]}
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump(cases, file)
        file.flush()
        code, said = promtool("test", "rules", file.name)
    check(code == 0, "and the adapter's question is answered with how long a query waits", said)


def check_job(job, folder):
    """The pods as processes, all at the same time."""
    spec = job["spec"]
    container = spec["template"]["spec"]["containers"][0]
    data, lists = os.path.join(folder, "job"), os.path.join(folder, "lists")
    os.mkdir(lists)
    with open(os.path.join(lists, "long-list.txt"), "w", encoding="utf-8") as out:
        out.writelines(f"w{i}.example.net\n" for i in range(1000))
    pods = []
    for index in range(spec["completions"]):
        words = [word.replace("$(JOB_COMPLETION_INDEX)", str(index)).replace("$(JOB_NAME)", "blindlist-compile-x7k2p")
                 .replace("/data", data).replace("/lists", lists) for word in container["args"]]
        pods.append(subprocess.Popen([os.path.join(BUILD, container["command"][0]), *words, "--shards=8"],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    outputs = [pod.communicate(timeout=PROGRAM_S)[0] for pod in pods]
    check([pod.returncode for pod in pods] == [0] * spec["completions"] and spec["completionMode"] == "Indexed",
          "the pods of the indexed job are done", "\n".join(outputs))
    check(glob.glob(f"{data}/*/current/dataset.json"), "and the version is in force")


def check_all(folder):
    documents = read_all()
    everything = [d for name, listed in documents.items() for d in listed
                  if name not in ("kustomization.yaml", "prometheus-adapter.yaml")]
    objects = {(d["kind"], name_of(d)): d for d in everything}
    check(all(d.get("apiVersion") and d.get("kind") for d in everything) and len(objects) == len(everything),
          f"{len(everything)} objects, each with a name of its own")
    check_fields(everything)
    with open("docs/METRICS.md", encoding="utf-8") as file:
        metrics = file.read()
    pods = [(d, pod_of(d)) for d in everything if pod_of(d)]
    for document, pod in pods:
        who = f"{document['kind']} {name_of(document)}"
        container = pod["spec"]["containers"][0]
        check_flags(container, who)
        for one in [container, *pod["spec"].get("initContainers", [])]:
            check_rights(pod, one, f"{who}, {one['name']}")
        check_volumes(pod, container, who, objects)
        if document["kind"] == "Deployment":
            check(document["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"], f"{who} finds its pods")
            check_probes(container, metrics)
            check_waiting(pod["spec"]["initContainers"][0], folder)
    check_selectors(everything, [pod["metadata"]["labels"] for _, pod in pods])
    used = documents["kustomization.yaml"][0]["resources"]
    check(set(used) == set(documents) - {"kustomization.yaml", "prometheus-adapter.yaml", "compile-job.yaml"},
          "kustomization.yaml has all that is applied", used)
    with open("Makefile", encoding="utf-8") as file:
        version = re.search(r"^VERSION := (.*)$", file.read(), re.MULTILINE).group(1)
    images = {one["image"] for _, pod in pods for one in pod["spec"]["containers"] + pod["spec"].get("initContainers", [])}
    check(images == {f"blindlist:{version}"}, "the image is this version's", images)
    check_settings(objects, folder)
    check_scaling(documents, metrics)
    check_job(objects["Job", "blindlist-compile-"], folder)


if yaml is None:
    skip("python3-yaml is not installed")
else:
    work = working_folder("kubernetes")
    try:
        check_all(work)
    finally:
        shutil.rmtree(work)
sys.exit(finish())
