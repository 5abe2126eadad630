"""The kernels that notebooks are tested in: forks, and yet as any other kernel is."""

import multiprocessing
import os
import subprocess
import sys
import time
from glob import glob

import kernels
import pytest
from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forks on Linux alone")


@pytest.fixture
def started(tmp_path, monkeypatch):
    """A kernel with a variable of its own in its environment, and its client."""
    monkeypatch.setenv("DRUMLESSON_MIRROR", "here")
    manager, client = kernels.start_new_kernel(cwd=str(tmp_path))
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def says(client, expression):
    """What an expression is in the kernel."""
    asked = {"said": f"__import__('{expression.split('.')[0]}').{expression.split('.', 1)[1]}"}
    reply = client.execute_interactive("", user_expressions=asked, timeout=60)
    return reply["content"]["user_expressions"]["said"]["data"]["text/plain"]


def test_it_begins_as_others_do(started, tmp_path):
    manager, client = started
    assert says(client, "os.getcwd()") == repr(str(tmp_path))
    assert says(client, "os.environ['DRUMLESSON_MIRROR']") == "'here'"
    assert (
        says(client, "os.getsid(0)") == says(client, "os.getpid()") == str(manager.provisioner.pid)
    )
    assert says(client, "sys.modules['__main__'].__dict__.get('tensorflow')") == "None"
    assert says(client, "sys.modules.__contains__('tensorflow')") == "True"


def test_it_is_interrupted_and_leaves_nothing(started):
    manager, client = started
    waits = client.execute("print('go', flush=True); import time; time.sleep(60)")
    while client.get_iopub_msg(timeout=60)["content"].get("text") != "go\n":
        pass
    manager.interrupt_kernel()
    while (reply := client.get_shell_msg(timeout=60))["parent_header"]["msg_id"] != waits:
        pass
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    process = manager.provisioner.process
    assert process.poll() is None and glob(manager.ip + "*")
    manager.shutdown_kernel(now=True)
    assert process.wait() is not None and glob(manager.ip + "*") == []
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


@pytest.fixture
def nothing_left(monkeypatch):
    """Afterwards there are no more processes than before, and no sockets of kernels."""
    sockets = []

    def noted(**settings):
        sockets.append(settings["ip"])
        return KernelManager(**settings)

    monkeypatch.setattr(kernels, "KernelManager", noted)
    before = [child.pid for child in multiprocessing.active_children()]
    yield
    assert [child.pid for child in multiprocessing.active_children()] == before
    assert sockets and not any(glob(f"{name}*") for name in sockets)


@pytest.mark.usefixtures("nothing_left")
def test_one_that_ends_before_it_begins(tmp_path):
    with pytest.raises(RuntimeError, match="did not begin"):
        kernels.start_new_kernel(cwd=str(tmp_path / "nowhere"))


@pytest.mark.usefixtures("nothing_left")
def test_one_that_does_not_answer(monkeypatch):
    def late(client, timeout):
        time.sleep(0.5)  # the thread that listens for its heart begins meanwhile
        raise RuntimeError(f"no answer within {timeout} seconds")

    monkeypatch.setattr("jupyter_client.blocking.BlockingKernelClient.wait_for_ready", late)
    with pytest.raises(RuntimeError, match="no answer within 7"):
        kernels.start_new_kernel(startup_timeout=7)


PARENT = """
import sys, time
sys.path.insert(0, sys.argv[1])
import kernels
manager, _ = kernels.start_new_kernel()
print(manager.provisioner.pid, manager.ip, flush=True)
time.sleep(60)
"""


def test_it_ends_with_the_process_of_the_tests():
    command = [sys.executable, "-c", PARENT, os.path.dirname(kernels.__file__)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        pid, sockets = parent.stdout.readline().split()
        parent.kill()
    end = time.monotonic() + 30
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < end, "the kernel lives on"
        time.sleep(0.05)
    for left in glob(sockets + "*"):
        os.unlink(left)
