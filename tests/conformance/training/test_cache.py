import json
import os
from pathlib import Path

import pytest

from conformance.training.cache import Cache, default_folder

CONTENT = {"seeds": [0, 1], "strategy": {"name": "plain"}}
RESULT = {"metrics": {"f1": [0.1, 1 / 3]}, "trained": True}


@pytest.fixture
def folder(tmp_path):
    Cache(tmp_path / "outcomes").put(CONTENT, RESULT)
    return tmp_path / "outcomes"


def test_what_was_kept_is_returned_to_the_last_bit(folder):
    assert Cache(folder).get(CONTENT) == RESULT


def test_order_of_keys_does_not_matter_and_everything_else_does(folder):
    cache = Cache(folder)
    assert cache.get(dict(reversed(CONTENT.items()))) == RESULT
    assert cache.get({**CONTENT, "seeds": [0, 2]}) is None
    assert cache.get({**CONTENT, "strategy": {"name": "focal"}}) is None


def test_nan_comes_back(folder):
    cache = Cache(folder)
    cache.put({"a": 1}, {"x": float("nan")})
    found = cache.get({"a": 1})
    assert found is not None
    assert found["x"] != found["x"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("0.1", "0.2"),
        lambda _: "",
        lambda _: "{}",
        lambda text: "\n" + text,
    ],
)
def test_damaged_file_is_ignored_and_written_again(folder, damage):
    (file,) = folder.iterdir()
    file.write_text(damage(file.read_text()))
    cache = Cache(folder)
    assert cache.get(CONTENT) is None
    cache.put(CONTENT, RESULT)
    assert cache.get(CONTENT) == RESULT
    assert list(folder.iterdir()) == [file]


def test_file_that_is_no_text_is_ignored(folder):
    (file,) = folder.iterdir()
    file.write_bytes(b"\xff\xfe\n{}")
    assert Cache(folder).get(CONTENT) is None


def test_without_a_folder_nothing_is_kept():
    cache = Cache(None)
    cache.put(CONTENT, RESULT)
    assert cache.get(CONTENT) is None


def test_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    cache = Cache(path / "outcomes")
    cache.put(CONTENT, RESULT)
    assert cache.get(CONTENT) is None


def test_what_was_not_used_for_longest_is_dropped(tmp_path):
    cache = Cache(tmp_path)
    for number in range(4):
        known = {*tmp_path.iterdir()}
        cache.put({"n": number}, RESULT)
        (path,) = {*tmp_path.iterdir()} - known
        os.utime(path, (number, number))
    assert cache.get({"n": 0}) == RESULT  # used just now
    size = next(tmp_path.iterdir()).stat().st_size
    cache = Cache(tmp_path, limit=2 * size)
    kept = [number for number in range(4) if cache.get({"n": number})]
    assert kept == [0, 3]


def test_default_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "equipoise" / "outcomes"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path.home() / ".cache" / "equipoise" / "outcomes"


def test_names_are_of_the_content_alone(folder, tmp_path):
    Cache(tmp_path / "other").put(json.loads(json.dumps(CONTENT)), {"x": 1})
    names = [[file.name for file in f.iterdir()] for f in (folder, tmp_path / "other")]
    assert names[0] == names[1]
