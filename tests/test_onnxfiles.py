"""Files of strangers: what is refused before it is run, and what may go on."""

import json
import os
import random
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from drumlesson.onnxfiles import _check_onnx, _from_file, _telling, open_session
from drumlesson.runtime import SHIPPED

FLOAT = TensorProto.FLOAT


def a_file(*nodes, outputs=("n", 2), **weights) -> onnx.ModelProto:
    """A network as ONNX, with `feature` (n, 3, 2) and `outputs`, and arrays as weights."""
    taken = helper.make_tensor_value_info("feature", FLOAT, ["n", 3, 2])
    given = helper.make_tensor_value_info("outputs", FLOAT, outputs)
    tensors = [numpy_helper.from_array(np.asarray(w), name) for name, w in weights.items()]
    graph = helper.make_graph(list(nodes), "g", [taken], [given], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def a_line() -> onnx.ModelProto:
    """The smallest network that there is: a weight for each number of the picture."""
    flat = helper.make_node("Reshape", ["feature", "row"], ["x"])
    product = helper.make_node("MatMul", ["x", "w"], ["outputs"])
    return a_file(flat, product, row=np.array([-1, 6]), w=np.ones((6, 2), np.float32))


def a_gru(frames=(3, "hits", 2)) -> onnx.ModelProto:
    """A recurrent network that says how many frames there are, or something else."""
    weights = {"w": np.ones((1, 6, 2), np.float32), "r": np.ones((1, 6, 2), np.float32)}
    names = []
    for place, size in enumerate(frames):
        names.append(size if size == "hits" else f"size{place}")
        if size != "hits":
            weights[f"size{place}"] = np.array([size])
    nodes = [
        helper.make_node("Shape", ["feature"], ["hits"], end=1),
        helper.make_node("Concat", names, ["sizes"], axis=0),
        helper.make_node("Reshape", ["feature", "sizes"], ["x"]),
        helper.make_node("GRU", ["x", "w", "r"], ["", "last"], hidden_size=2),
        helper.make_node("Squeeze", ["last", "first"], ["outputs"]),
    ]
    return a_file(*nodes, first=np.array([0]), **weights)


def test_a_network_says_what_it_takes_and_gives():
    for model in (a_line(), a_gru()):
        content = model.SerializeToString()
        assert _check_onnx(content) == ((3, 2), 2)
        answers = open_session(content).run(None, {"feature": np.ones((4, 3, 2), np.float32)})[0]
        assert answers.shape == (4, 2)


def external(model):
    """Has the weights lie in another file."""
    tensor = model.graph.initializer[1]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def looping(model):
    """Adds a loop."""
    model.graph.node.append(helper.make_node("Loop", ["", "", "feature"], ["again"]))


def branching(model):
    """Gives an operation that is known a graph of its own."""
    graph = helper.make_graph([], "inner", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("body", graph))


def foreign(model):
    """Names an operation of somebody else's library."""
    model.graph.node[0].domain = "com.example"


def with_function(model):
    """Defines an operation of its own."""
    model.functions.add(name="Relu", domain="com.example")


def of_nan(model):
    """Has a weight be NaN."""
    weights = np.full((6, 2), np.nan, np.float32)
    model.graph.initializer[1].CopyFrom(numpy_helper.from_array(weights, "w"))


def too_large(model):
    """Says that there are more weights than there are."""
    model.graph.initializer[1].dims[0] = 1 << 40


def from_behind(model):
    """Counts an axis from the end where onnxruntime crashes on it."""
    node = helper.make_node("GatherND", ["feature", "row"], ["y"], batch_dims=-2)
    model.graph.node.append(node)


def of_another_shape(model):
    """Takes something else than pictures."""
    del model.graph.input[0].type.tensor_type.shape.dim[2]


def of_two_inputs(model):
    """Wants to be told more."""
    model.graph.input.append(helper.make_tensor_value_info("more", FLOAT, ["n", 1]))


@pytest.mark.parametrize(
    "change, why",
    [
        (external, "weights has a field"),
        (looping, "the operation Loop"),
        (branching, "Reshape has a field 6"),
        (foreign, "node has a field 7"),
        (with_function, "model has a field 25"),
        (of_nan, "w are NaN or infinite"),
        (too_large, "not of the size that they say"),
        (from_behind, "GatherND has a batch_dims"),
        (of_another_shape, "frames and bins"),
        (of_two_inputs, "feature 2 times"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_no_export_has_is_refused_unrun(change, why):
    model = a_line()
    change(model)
    with pytest.raises(ValueError, match=why):
        _check_onnx(model.SerializeToString())


@pytest.mark.parametrize("frames", [(3, -1, 2), (3, 0, 2), (0, "hits", 2)])
def test_a_recurrent_layer_without_anything_to_read_is_refused(frames):
    with pytest.raises(ValueError, match="GRU does not say how many frames"):
        _check_onnx(a_gru(frames).SerializeToString())


@pytest.mark.parametrize("ahead", [True, False], ids=["of constants", "of the picture"])
def test_a_network_that_wants_too_much_memory_is_refused(ahead):
    of = "one" if ahead else "feature"
    node = helper.make_node("Expand", [of, "sizes"], ["large"])
    total = helper.make_node("ReduceSum", ["large"], ["outputs"], keepdims=0)
    sizes = np.array([50_000_000, 3, 2])
    model = a_file(node, total, one=np.ones(1, np.float32), sizes=sizes)
    with pytest.raises(ValueError, match="cannot be run: .*Available memory"):
        open_session(model.SerializeToString())


def test_a_file_that_is_cut_off_is_refused_everywhere():
    content = a_gru().SerializeToString()
    for end in range(len(content)):
        with pytest.raises(ValueError):
            _check_onnx(content[:end])


MUTANTS = """
import json, sys
from drumlesson.onnxfiles import open_session
for line in sys.stdin:
    try:
        open_session(bytes.fromhex(line))
        print("opened")
    except ValueError as e:
        print("refused")
"""


def mutants(content: bytes, n: int):
    """Seeded copies of a file with some bytes changed, left out or doubled."""
    rng = random.Random(0)
    for _ in range(n):
        mutant = bytearray(content)
        for _ in range(rng.choice([1, 1, 2, 5])):
            at = rng.randrange(len(mutant))
            with_what = [b"", mutant[at : at + 9] * 2, rng.randbytes(1), b"\x00", b"\x7f"]
            mutant[at : at + rng.choice([1, 1, 9])] = rng.choice(with_what)
        yield bytes(mutant)


def test_mutants_are_opened_or_refused_and_crash_nothing():
    lines = [mutant.hex() for mutant in mutants(a_gru().SerializeToString(), 300)]
    command = [sys.executable, "-c", MUTANTS]
    done = subprocess.run(
        command, input="\n".join(lines), capture_output=True, text=True, timeout=60, check=True
    )
    answers = done.stdout.split()
    assert len(answers) == 300
    assert set(answers) == {"opened", "refused"}


def test_the_gate_is_light():
    code = "import sys, json, drumlesson.onnxfiles; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"tensorflow", "keras", "onnx", "onnxruntime", "pandas", "google"}


def test_a_file_that_is_none_or_no_network_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.onnx: there is no such model file"):
        _from_file(open_session, "listener", tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"x")
    with pytest.raises(
        ValueError, match=r"bad\.onnx: is no listener, or a damaged one \(it is cut"
    ):
        _from_file(open_session, "listener", tmp_path / "bad.onnx")


def test_what_a_network_does_not_say_of_itself_is_told(tmp_path):
    session = _from_file(open_session, "classifier", SHIPPED)
    with _telling(session, "drumlesson") as about:
        assert about["classes"][:2] == ["kick", "snare"]
    for kind, name in (("listener", "classes"), ("drumlesson", "nothing of the kind")):
        with pytest.raises(ValueError, match=f"it is a network, but no {kind} of drumlesson's"):
            with _telling(session, kind) as about:
                about[name]


def test_nothing_is_reported_to_the_makers_of_the_library(tmp_path):
    asks_no = {"CI", "ORT_RUNNING_UNIT_TESTS", "ORT_DISABLE_TELEMETRY"}  # what else keeps it still
    environment = {name: value for name, value in os.environ.items() if name not in asks_no}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    program = "from drumlesson import load, load_drums; "
    program += "print(load().predict(load_drums('synth', n_kits=1, hits=1))[0])"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name]
