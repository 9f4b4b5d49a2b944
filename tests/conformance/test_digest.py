import shutil

import pytest

from conformance import vectors
from conformance.errors import UsageError


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The vectors in a folder where they may be changed."""
    folder = shutil.copytree(vectors.FOLDER, tmp_path / "1.0")
    monkeypatch.setattr(vectors, "FOLDER", folder)
    vectors.load.cache_clear()
    yield folder
    vectors.load.cache_clear()


@pytest.mark.usefixtures("copied")
def test_every_file_is_the_one_of_the_manifest():
    for name in vectors.manifest()["points"]:
        assert vectors.load(name).operation == name


@pytest.mark.parametrize("change", ["digit", "cut", "end of line"])
def test_a_changed_file_is_refused_in_one_line(copied, change):
    path = copied / "ghmr_loss.json"
    data = path.read_bytes()
    at = data.index(b'"bits":[["3f') + 12
    other = b"0" if data[at : at + 1] != b"0" else b"1"
    path.write_bytes(
        {
            "digit": data[:at] + other + data[at + 1 :],
            "cut": data[:-1],
            "end of line": data.replace(b"\n", b"\r\n"),
        }[change]
    )
    with pytest.raises(UsageError) as error:
        vectors.load("ghmr_loss")
    text = str(error.value)
    assert "\n" not in text
    assert str(path) in text
    assert "conformance vectors --write" in text
    # The others are as they were.
    assert vectors.load("ghmc_loss").groups


def test_a_file_that_the_manifest_does_not_know_is_refused(copied):
    (copied / "own_loss.json").write_text("{}")
    with pytest.raises(UsageError, match=r"own_loss\.json .*says none"):
        vectors.load("own_loss")
