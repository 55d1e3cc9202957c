import argparse
import json

import pytest

from infra import mail as command

from .samples import mail


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def test_each_file_gets_one_line_of_json(tmp_path, capsys):
    (tmp_path / "a.eml").write_bytes(mail("line\u2028separator\x85"))
    (tmp_path / "b.eml").write_bytes(b"")
    assert run("explain", str(tmp_path / "a.eml"), str(tmp_path / "b.eml")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["file"] for line in lines] == [str(tmp_path / "a.eml"), str(tmp_path / "b.eml")]
    assert json.loads(lines[0])["subject"] == "Where is my parcel?"


def test_a_file_that_is_not_there_is_named_and_the_next_is_read(tmp_path, capsys):
    (tmp_path / "a.eml").write_bytes(mail())
    assert run("explain", "nowhere.eml", str(tmp_path), str(tmp_path / "a.eml")) == 1
    missing, folder, found = map(json.loads, capsys.readouterr().out.splitlines())
    assert missing["error"] == "cannot be opened: No such file or directory"
    assert (missing["subject"], missing["from"], missing["file"]) == ("", None, "nowhere.eml")
    assert "error" in folder
    assert "error" not in found


def test_a_command_without_files_is_refused():
    with pytest.raises(SystemExit):
        run("explain")
