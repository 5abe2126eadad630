"""Kernels that nbval asks for, on Linux: forks of one process that has TensorFlow loaded.

Each of the sixty notebooks would load it anew, for five seconds. A notebook alone, or in a lesson's
test (`test_learner`), has a kernel of its own as everybody has.
"""

import gc
import multiprocessing
import os
import signal
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from multiprocessing import forkserver

import nbval.kernel
import pytest
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import local_provisioner

LOADED = ["ipykernel.kernelapp", "ipywidgets", "matplotlib.figure", "sklearn.metrics"]
LOADED += ["sklearn.linear_model", "librosa.feature", "librosa.effects", "tensorflow", "keras"]
# What an import of theirs looks for, and finds in a kernel.
FOUND = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "TF_CPP_MIN_LOG_LEVEL": "3"}


def _end_with_parent():
    """Ends the kernel, and what it has started, once the process of the tests is gone."""
    multiprocessing.parent_process().join()
    os.killpg(0, signal.SIGKILL)


def _run(begun, command, folder, env):
    """The kernel, within its process: `command` is what would have started it anew."""
    gc.freeze()
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    begun.set()
    import pandas
    from ipykernel.kernelapp import IPKernelApp

    pandas.set_option("display.max_columns", 20)  # as it has them outside a terminal
    IPKernelApp.launch_instance(command[command.index("ipykernel_launcher") + 1 :])


class _Fork:
    """A kernel's process with the methods of a Popen that jupyter_client calls."""

    stdin = stdout = stderr = None

    def __init__(self, *what):
        forks = multiprocessing.get_context("forkserver")
        begun = forks.Event()
        self._process = forks.Process(target=_run, args=(begun, *what))
        self._process.start()
        self.pid = self._process.pid
        end = time.monotonic() + 60
        while not begun.wait(0.1):
            if self.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError("the kernel's process did not begin")

    def poll(self):
        return self._process.exitcode

    def wait(self):
        self._process.join()
        return self.poll()

    def send_signal(self, number):
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def _launch(command, cwd=None, env=None, **_):
    return _Fork(command, cwd or os.getcwd(), dict(os.environ if env is None else env))


def start_new_kernel(startup_timeout=60, kernel_name="python", **options):
    """As nbval's, with a fork, and sockets of files: a port that is free can be taken meanwhile."""
    sockets = os.path.join(tempfile.gettempdir(), f"kernel-{uuid.uuid4().hex[:8]}")
    specs = nbval.kernel.NbvalKernelspecManager()
    manager = KernelManager(
        kernel_name=kernel_name, kernel_spec_manager=specs, transport="ipc", ip=sockets
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in FOUND.items():
            patch.setenv(name, value)
        forkserver.ensure_running()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_provisioner, "launch_kernel", _launch)
        manager.start_kernel(**options)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=startup_timeout)
    except BaseException:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        raise
    return manager, client


def lend_forks():
    """Has nbval start its kernels as forks."""
    forkserver.set_forkserver_preload(LOADED)
    nbval.kernel.start_new_kernel = start_new_kernel
