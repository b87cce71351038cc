"""Each zip is served alone, with the environment it is given and none of ours."""

import json
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from scripts.local_cloud.functions_host import FunctionDidNotStart, FunctionsHost

TELL_ENVIRONMENT = """
import json, os, sys
import functions_framework
from shared.word import WORD

@functions_framework.http
def teller(request):
    return json.dumps({"environment": dict(os.environ), "word": WORD, "path": request.path, "modules": sys.path})
"""


def archive(directory: Path, name: str, files: dict[str, str]) -> Path:
    path = directory / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as target:
        for file, text in files.items():
            target.writestr(file, text)
    return path


def test_a_function_sees_its_zip_and_its_environment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "not for functions")
    packed = archive(tmp_path, "teller", {"main.py": TELL_ENVIRONMENT, "shared/word.py": "WORD = 'from the zip'\n"})
    host = FunctionsHost({"teller": packed}, directory=tmp_path / "run", environment={"DELIVERY_ENVIRONMENT": "{}"})
    host.start()
    try:
        uri = host.uri("teller")
        with urllib.request.urlopen(f"{uri}/projects/p/topics/t") as response:
            told = json.load(response)
        assert host.snapshot()["teller"]["running"] is True
    finally:
        host.stop()
    assert told["word"] == "from the zip"
    assert told["path"] == "/projects/p/topics/t"
    assert told["environment"]["PUSH_AUDIENCE"] == uri
    assert told["environment"]["DELIVERY_ENVIRONMENT"] == "{}"
    assert "OURS" not in told["environment"]
    assert str(Path(__file__).parents[2]) not in told["modules"]
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(uri)


def test_a_function_that_cannot_start_says_why_and_leaves_nothing_running(tmp_path: Path) -> None:
    good = archive(tmp_path, "teller", {"main.py": TELL_ENVIRONMENT, "shared/word.py": "WORD = ''\n"})
    bad = archive(tmp_path, "broken", {"main.py": "raise ValueError('no such setting')\n"})
    host = FunctionsHost({"teller": good, "broken": bad}, directory=tmp_path / "run", environment={})
    with pytest.raises(FunctionDidNotStart, match="no such setting"):
        host.start()
    assert host.snapshot() == {}
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(host.uri("teller"))
