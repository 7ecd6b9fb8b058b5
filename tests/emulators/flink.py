"""A Flink cluster of separate processes on this machine, with Beam's job server in front of it.

    with FlinkCluster(tmp_path) as cluster:
        run_pipeline([*cluster.submit_args(), "--job_name=demo"])
        cluster.kill_task_manager(cluster.find_busy_task_manager("demo"))
        ...
        cluster.cancel("demo")

Flink comes from the package index (apache-flink-libraries), the job server from Maven Central as specified in
flink_job_server/pom.xml; both are fetched once into .cache. Needs Java 11 or 17 and Maven: `find_missing_tools` names
what is missing.
"""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from emulators.process import Child, find_free_port, is_listening

HERE = Path(__file__).parent
CACHE = HERE / ".cache"
FLINK_VERSION = "1.19.3"

# Flink on Java 17: https://github.com/apache/flink/blob/release-1.19/flink-dist/src/main/resources/config.yaml
_OPEN_PACKAGES = [
    *("java.lang", "java.lang.reflect", "java.net", "java.io", "java.nio", "sun.nio.ch", "java.text", "java.time"),
    *("java.util", "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks"),
]

_LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %-5p %c{1} %m%n
# a page of configuration each time a job starts
logger.configuration.name = org.apache.flink.configuration.GlobalConfiguration
logger.configuration.level = WARN
"""


def find_missing_tools() -> list[str]:
    """Return the programs that the cluster needs and this machine lacks."""
    return [tool for tool in ("java", "mvn") if shutil.which(tool) is None]


def fetch_flink() -> Path:
    """Return the folder of Flink's jars, fetched from the package index on first use (230 MB)."""
    home = CACHE / f"flink-{FLINK_VERSION}"
    if not home.exists():
        unfinished = home.with_suffix(f".{os.getpid()}")
        package = f"apache-flink-libraries=={FLINK_VERSION}"
        _run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(unfinished), package])
        _move_into_place(unfinished, home)
    return home / "pyflink" / "lib"


def fetch_job_server() -> Path:
    """Return the folder of the job server's jars, fetched by Maven on first use (150 MB)."""
    home = CACHE / "flink-job-server"
    if not home.exists():
        unfinished = home.with_suffix(f".{os.getpid()}")
        pom = HERE / "flink_job_server" / "pom.xml"
        copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={unfinished}"]
        _run(["mvn", "-B", "-q", "-f", str(pom), *copy])
        _move_into_place(unfinished, home)
    return home


def _run(command: list[str]) -> None:
    CACHE.mkdir(exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed with exit code {done.returncode}:\n{done.stdout}{done.stderr}")


def _move_into_place(unfinished: Path, home: Path) -> None:
    """Rename a complete folder to its final name, so that an aborted run leaves nothing incomplete there."""
    try:
        unfinished.rename(home)
    except OSError:  # another run was faster
        shutil.rmtree(unfinished)


class FlinkCluster:
    """A job manager, task managers and Beam's job server, all on loopback, for the duration of a `with` block."""

    def __init__(self, directory: Path, task_managers: int = 2, slots: int = 2) -> None:
        self.directory = directory
        self.slots = slots
        self.rest_port, self._rpc_port, self._job_port, self._artifact_port = (find_free_port() for _ in range(4))
        self.rest_url = f"http://127.0.0.1:{self.rest_port}"
        self.job_endpoint = f"127.0.0.1:{self._job_port}"
        self._wanted = task_managers
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        self._flink, self._job_server = fetch_flink(), fetch_job_server()
        self._write_configuration()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def submit_args(self) -> list[str]:
        """Return the Beam options that submit a pipeline to this cluster.

        finish_bundle_before_checkpointing: without it, Flink holds back what a checkpoint interrupted until the
        operator's next bundle, which never comes for the single element that starts a polling source.
        """
        environment = {"command": str(self._worker_script)}
        return [
            "--runner=FlinkRunner",
            f"--job_endpoint={self.job_endpoint}",
            "--environment_type=PROCESS",
            f"--environment_config={json.dumps(environment)}",
            "--streaming",
            "--checkpointing_interval=2000",
            "--finish_bundle_before_checkpointing",
        ]

    def start_task_manager(self, number: int) -> None:
        name = f"taskmanager-{number}"
        identity = [f"-Dtaskmanager.resource-id={name}"]
        main = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        self._children[name] = self._start_java(name, main, ["--configDir", str(self._configuration), *identity])

    def kill_task_manager(self, number: int) -> None:
        """Kill a task manager and the Python workers that it started, without notice."""
        self._children[f"taskmanager-{number}"].kill()

    def find_busy_task_managers(self, job_name: str) -> list[int]:
        """Return the numbers of the task managers that run tasks of the job."""
        job = self.get(f"/jobs/{self._find_job(job_name)['jid']}")
        busy = set()
        for vertex in job["vertices"]:
            for subtask in self.get(f"/jobs/{job['jid']}/vertices/{vertex['id']}")["subtasks"]:
                if subtask["status"] == "RUNNING":
                    busy.add(int(subtask["taskmanager-id"].rpartition("-")[2]))
        return sorted(busy)

    def get_state(self, job_name: str) -> str:
        """Return the job's state in Flink's words (RUNNING, RESTARTING, FAILED, CANCELED...), or UPLOADING."""
        return str(self._find_job(job_name)["state"])

    def count_checkpoints(self, job_name: str) -> dict[str, int]:
        """Return how many checkpoints were `completed`, `failed`, and `restored`."""
        counts = self.get(f"/jobs/{self._find_job(job_name)['jid']}/checkpoints")["counts"]
        return {str(name): int(number) for name, number in counts.items()}

    def cancel(self, job_name: str) -> None:
        self.get(f"/jobs/{self._find_job(job_name)['jid']}?mode=cancel", method="PATCH")

    def get(self, path: str, method: str = "GET") -> Any:
        """Return the JSON answer of Flink's REST interface."""
        request = urllib.request.Request(self.rest_url + path, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def read_log_ends(self) -> str:
        """Return the last log lines of every process, for a failed test."""
        return "\n".join(f"== {name}\n{child.read_log_end()}" for name, child in self._children.items())

    def stop(self) -> None:
        for child in self._children.values():
            child.kill()

    def _find_job(self, name: str) -> dict[str, Any]:
        """Return the newest job of this name, or a placeholder: Flink has it seconds after Beam's `run` returns."""
        jobs = [job for job in self.get("/jobs/overview")["jobs"] if job["name"] == name]
        return max(jobs, key=lambda job: int(job["start-time"]), default={"jid": "", "state": "UPLOADING"})

    def _start(self) -> None:
        configuration = ["--configDir", str(self._configuration)]
        entry = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        manager = self._children["jobmanager"] = self._start_java("jobmanager", entry, configuration)
        for number in range(self._wanted):
            self.start_task_manager(number)
        server = self._children["jobserver"] = self._start_java(
            "jobserver",
            "org.apache.beam.runners.flink.FlinkJobServerDriver",
            [
                *("--flink-master", self.rest_url),
                *("--job-host", "127.0.0.1", "--job-port", str(self._job_port)),
                *("--artifact-port", str(self._artifact_port), "--expansion-port", "0"),
                *("--artifacts-dir", str(self.directory / "artifacts")),
            ],
            class_path=self._write_pathing_jar(),
        )
        server.wait_until(lambda: is_listening(self._job_port), 60)
        manager.wait_until(self._is_complete, 60)

    def _is_complete(self) -> bool:
        try:
            return int(self.get("/overview")["taskmanagers"]) == self._wanted
        except OSError:  # not listening yet, or 503 until the dispatcher is elected
            return False

    def _write_pathing_jar(self) -> str:
        """Write a jar that contains only the job server's class path, and return its path.

        The job server sends every jar on its class path along with each job. This way that is one small jar instead of
        150 MB; the task managers have Beam's classes on their own class path.
        """
        jars = " ".join(jar.resolve().as_uri() for jar in sorted(self._job_server.glob("*.jar")))
        line = f"Class-Path: {jars}"
        # lines of a manifest have at most 72 bytes; continuation lines begin with a space
        lines = [line[:70], *(f" {line[start : start + 69]}" for start in range(70, len(line), 69))]
        path = self.directory / "job-server.jar"
        with zipfile.ZipFile(path, "w") as jar:
            jar.writestr("META-INF/MANIFEST.MF", "\n".join(["Manifest-Version: 1.0", *lines, ""]))
        return str(path)

    def _start_java(self, name: str, main: str, arguments: list[str], class_path: str = "") -> Child:
        jars = [*self._flink.glob("flink-dist-*.jar"), *self._flink.glob("log4j-*.jar")]
        jars += [
            jar for jar in self._job_server.glob("*.jar") if not jar.name.startswith(("flink-", "slf4j-", "log4j"))
        ]
        command = [
            *("java", "-Xmx512m", "-XX:+UseSerialGC", "--add-exports=java.base/sun.net.util=ALL-UNNAMED"),
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPEN_PACKAGES),
            f"-Dlog4j.configurationFile={self._configuration / 'log4j.properties'}",
            *("-cp", class_path or ":".join(map(str, jars)), main, *arguments),
        ]
        return Child(name, command, self.directory, {"FLINK_CONF_DIR": str(self._configuration)})

    def _write_configuration(self) -> None:
        """Write config.yaml, log4j.properties and the script that starts a Python worker.

        Task managers started without Flink's shell scripts need every memory size spelled out.
        """
        self._configuration = self.directory / "conf"
        self._configuration.mkdir(parents=True)
        temporary = self.directory / "tmp"
        temporary.mkdir()
        settings = {
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.rpc.port": self._rpc_port,
            "jobmanager.bind-host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.host": "127.0.0.1",
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": self.rest_port,
            "io.tmp.dirs": str(temporary),
            "taskmanager.numberOfTaskSlots": self.slots,
            # spread the slots over all task managers rather than filling the first
            "taskmanager.load-balance.mode": "SLOTS",
            # a lost task manager is noticed after four seconds, not fifty
            "heartbeat.interval": 1000,
            "heartbeat.timeout": 4000,
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": 100,
            "restart-strategy.fixed-delay.delay": "1s",
            "execution.checkpointing.dir": f"file://{self.directory / 'checkpoints'}",
            "state.checkpoints.dir": f"file://{self.directory / 'checkpoints'}",
            "taskmanager.cpu.cores": 1,
            "taskmanager.memory.framework.heap.size": "128m",
            "taskmanager.memory.framework.off-heap.size": "128m",
            "taskmanager.memory.task.heap.size": "256m",
            "taskmanager.memory.task.off-heap.size": "0m",
            "taskmanager.memory.managed.size": "64m",
            "taskmanager.memory.network.min": "64m",
            "taskmanager.memory.network.max": "64m",
            "taskmanager.memory.jvm-metaspace.size": "256m",
            "taskmanager.memory.jvm-overhead.min": "128m",
            "taskmanager.memory.jvm-overhead.max": "128m",
        }
        lines = [f"{name}: {value}\n" for name, value in settings.items()]
        (self._configuration / "config.yaml").write_text("".join(lines))
        (self._configuration / "log4j.properties").write_text(_LOG4J)
        self._worker_script = self.directory / "worker.sh"
        self._worker_script.write_text(
            "#!/bin/sh\n"
            f'export PYTHONPATH="{HERE.parent}:{HERE.parent.parent}:$PYTHONPATH"\n'
            f'exec "{sys.executable}" -m emulators.beam_worker "$@"\n'
        )
        self._worker_script.chmod(0o755)
