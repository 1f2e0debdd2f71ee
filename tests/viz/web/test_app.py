"""The server of the app: who may ask, how much, and that nobody waits for others."""

import json
import threading
import time
import urllib.request

import numpy as np
import pytest

from lattice_gnn.cells.named import cell
from lattice_gnn.errors import LatticeGnnError
from lattice_gnn.lattice.json_file import lattice_to_dict
from lattice_gnn.verbs.predict import predict
from viz.web.app import MOST_HERE, loopback
from viz.web.live import MOST_STRUTS

OCTET = lattice_to_dict(cell("octet", relative_density=0.1))


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"Authorization": None}, 401, "token is missing"),
        ({"Authorization": "Bearer guess"}, 401, "token is missing or wrong"),
        ({"Host": "evil.example"}, 421, "loopback"),
        ({"Host": "127.0.0.1"}, 421, "loopback"),
        ({"Origin": "http://evil.example"}, 403, "other sites"),
        ({"Origin": "null"}, 403, "other sites"),
    ],
)
def test_only_the_page_of_the_app_may_ask(served, headers, status, said):
    found, sent, content = served.ask("/api/start", **headers)
    assert found == status
    assert said in content.decode()
    assert "access-control-allow-origin" not in sent


def test_its_own_origin_may_ask(served):
    origin = f"http://127.0.0.1:{served.port}"
    assert len(served.values("/api/start", Origin=origin)["cells"]) > 10


def test_the_page_needs_no_token_and_holds_none(served):
    status, headers, content = served.ask("/", Authorization=None)
    assert status == 200
    assert served.token.encode() not in content
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert b"connect-src &#x27;self&#x27;" in content


def test_the_answer_that_follows_a_slider_is_the_prediction(served):
    answer = served.values("/api/live", {"lattice": OCTET})
    prediction = predict(cell("octet", relative_density=0.1))
    # Which of both paths, torch or compiled, a process has loaded changes the rounding in float32.
    for name, C in (("network", prediction.stiffness), ("beam", prediction.frame)):
        expected = C.mandel.numpy()
        found = answer["results"][name]["mandel"]
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * expected.max())
    assert answer["expected_error"]["median"] == pytest.approx(
        prediction.expected_error.median, rel=1e-3
    )
    assert answer["expected_error"]["against"] == "solid FEM"


def test_a_large_lattice_is_answered_by_another_process_with_the_same_numbers(served):
    small = cell("octet", relative_density=0.1).replace(name="block")
    large = small.supercell(3)
    assert large.num_struts > MOST_HERE
    answer = served.values("/api/live", {"lattice": lattice_to_dict(large)})
    expected = predict(small).stiffness.numpy()
    found = np.array(answer["results"]["network"]["mandel"])
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())


def damaged(**changes):
    return {"lattice": {**OCTET, **changes}}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/api/live", b"{", "expected JSON"),
        ("/api/live", b"[1]", "expected a JSON object"),
        ("/api/live", b"[" * 100_000, "expected JSON"),
        ("/api/live", {}, "expected a JSON object"),
        ("/api/live", damaged(cell=[[1, 0, 0], [0, 1, 0], [0, 0, 0]]), "cell"),
        ("/api/live", damaged(nodes=[[float("nan")] * 3] * 4), "finite"),
        (
            "/api/live",
            damaged(struts=OCTET["struts"][:1] * (MOST_STRUTS + 1)),
            "too many for the app",
        ),
        ("/api/live", b" " * (5 * 2**20), "larger than 4 MiB"),
        ("/api/cell", {"name": "octet"}, "relative_density"),
        ("/api/cell", {"name": "octet", "relative_density": True}, "expected a number"),
        ("/api/cell", {"name": "octopus", "relative_density": 0.1}, "unknown"),
        ("/api/save", {"lattice": OCTET, "kind": "../../etc/passwd"}, "save: expected one of"),
        ("/api/jobs", {"lattice": OCTET, "kind": "shell"}, "job: expected"),
        ("/api/read?name=x.bin", b"\x00\xff" * 1000, "is of no known format"),
        ("/api/read?name=../../x.json", b"{}", "schema"),
        ("/api/read?name=empty.inp", b"", "empty"),
        ("/api/read?name=big.lat", b" " * (17 * 2**20), "larger than 16 MiB"),
    ],
)
def test_what_is_wrong_is_one_sentence(served, path, body, said):
    status, _, content = served.ask(path, body)
    error = json.loads(content)["error"]
    assert status == 422
    assert said in error
    assert "/tmp" not in error
    assert "Traceback" not in error


def test_an_unknown_job_or_place_is_not_found(served):
    assert served.ask("/api/nothing")[0] == 404
    status, _, content = served.ask("/api/jobs/unknown")
    assert (status, "not known" in content.decode()) == (422, True)


def test_a_file_of_another_format_is_read_with_notes(served):
    deck = b"*NODE\n1, 0, 0, 0\n2, 1, 0, 0\n3, 0, 1, 0\n4, 0, 0, 1\n*ELEMENT, TYPE=B31, ELSET=E\n"
    deck += b"1, 1, 2\n2, 1, 3\n3, 1, 4\n*BEAM SECTION, SECTION=CIRC, ELSET=E\n0.05\n"
    found = served.values("/api/read?name=cross.inp", deck)
    (lattice,) = found["lattices"]
    assert len(lattice["struts"]) == 3
    assert any("cell" in note for note in found["notes"])


def test_a_slow_request_does_not_keep_others_waiting(served):
    large = lattice_to_dict(cell("octet", relative_density=0.1).supercell(4).perturbed(0.01, 0))
    times = {}

    def slow():
        start = time.perf_counter()
        served.values("/api/full", {"lattice": large})
        times["slow"] = time.perf_counter() - start

    thread = threading.Thread(target=slow)
    thread.start()
    quick = 0
    while thread.is_alive():
        served.values("/api/live", {"lattice": OCTET})
        quick += 1
    thread.join()
    assert quick >= 3, times


def test_a_job_runs_beside_the_server_is_watched_and_stopped(served):
    thin = lattice_to_dict(cell("kelvin", relative_density=0.02))
    job = served.values("/api/jobs", {"lattice": thin, "kind": "solid"})["job"]
    assert served.values(f"/api/jobs/{job}")["state"] == "running"
    served.values(f"/api/jobs/{job}", method="DELETE")
    assert served.values(f"/api/jobs/{job}")["state"] == "stopped"


def test_a_solid_job_returns_its_stiffness_and_error(served):
    cube = lattice_to_dict(cell("sc", radius=0.2))
    job = served.values("/api/jobs", {"lattice": cube, "kind": "solid"})["job"]
    found = follow(served, job)
    assert found["state"] == "done", found["error"]
    beam = served.values("/api/live", {"lattice": cube})["results"]["beam"]["mandel"]
    assert found["result"]["mandel"][0][0] > beam[0][0]
    assert 0 < found["result"]["error"] < 0.1


def follow(served, job):
    """Wait for the end of a job."""
    while (found := served.values(f"/api/jobs/{job}"))["state"] == "running":
        time.sleep(0.1)
    return found


TASK = {"maximise": "E[111]", "subject_to": ["relative_density <= 0.1"], "vary": ["radii"]}


def test_a_design_ends_with_a_lattice_its_report_and_satisfied_constraints(served):
    start = lattice_to_dict(cell("bccz", relative_density=0.1))
    job = served.values("/api/jobs", {"kind": "design", "lattice": start, **TASK})["job"]
    found = follow(served, job)
    assert found["state"] == "done", found["error"]
    report = found["result"]["report"]
    assert report["schema"] == "lattice-gnn/design/1"
    assert report["objective"]["value"] > report["objective"]["start"]
    assert all(row["satisfied"] for row in report["constraints"])
    assert found["progress"]["violation"] >= 0
    designed = served.values("/api/live", {"lattice": found["result"]["lattice"]})
    assert designed["relative_density"] <= 0.1001


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": {"file": "/etc/passwd"}}, "expected the matrix voigt alone"),
        ({"settings": {"checkpoint": "/etc/x"}}, "settings: is not an option"),
        ({"starts": 10**9}, "starts: expected 1 to"),
    ],
)
def test_a_design_reads_no_file_and_is_bounded(change, said, served):
    status, _, content = served.ask(
        "/api/jobs", {"kind": "design", "lattice": OCTET, **TASK, **change}
    )
    assert status == 422
    assert said in json.loads(content)["error"]


def test_a_design_that_cannot_be_stated_fails_with_a_sentence(served):
    task = {**TASK, "maximise": "__import__('os')"}
    job = served.values("/api/jobs", {"kind": "design", "lattice": OCTET, **task})["job"]
    found = follow(served, job)
    assert found["state"] == "failed"
    assert "Traceback" not in found["error"]


def test_only_the_loopback_address_listens_and_a_taken_port_is_said():
    with loopback(0) as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        with pytest.raises(LatticeGnnError, match=f"port {port}: cannot be used"):
            loopback(port)


def test_no_page_is_given_to_a_browser_that_was_sent_elsewhere(served):
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.port}/", headers={"Host": "attacker.example"}
    )
    with pytest.raises(urllib.error.HTTPError, match="421"):
        urllib.request.urlopen(request)
