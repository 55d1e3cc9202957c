"""
`python -m infra mail preview`: every mail in every language, in files.
"""

import re
from email import policy
from email.parser import BytesParser

import pytest

from chalicelib.adapters.templates import FOLDER, languages
from infra.__main__ import main

SHOP = """
id: lamps
name: Lamps & Co
support_addresses: [help@lamps.example]
signature: Until soon
voice: {de: {greeting: "Moin {name}!"}}
survey: {form: nps}
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preview")
    assert main(["mail", "preview", "--to", str(folder)]) == 0
    return folder


def files(folder, ending):
    return {str(path.relative_to(folder)) for path in folder.rglob(f"*.{ending}") if path.name != "index.html"}


def test_every_mail_is_written_in_every_language_and_linked(seen):
    mails = {name.removesuffix(".html") for name in files(seen, "html")}
    assert mails == {name.removesuffix(".txt") for name in files(seen, "txt")}
    assert mails == {name.removesuffix(".eml") for name in files(seen, "eml")}
    for what in (path.name for path in (FOLDER / "mail").iterdir() if path.is_dir()):
        for language in languages():
            assert any(re.fullmatch(rf"preview/{what}(-\w+)?\.{language}", mail) for mail in mails), (what, language)
    linked = re.findall(r'href="([^"]+)"', (seen / "index.html").read_text("utf-8"))
    assert sorted(linked) == sorted(f"{mail}.{ending}" for mail in mails for ending in ("html", "txt", "eml"))


def test_a_mail_program_shows_what_the_browser_shows(seen):
    for name in sorted(files(seen, "eml")):
        mail = BytesParser(policy=policy.default).parsebytes((seen / name).read_bytes())
        text, html = ((seen / name).with_suffix(f".{ending}").read_text("utf-8") for ending in ("txt", "html"))
        assert mail.get_body(("plain",)).get_content().splitlines() == text.splitlines()
        assert mail.get_body(("html",)).get_content().splitlines() == html.splitlines()
        assert mail["from"] == "Lumen & Co <help@lumen.example>"
        assert mail["subject"]


def test_the_same_mails_are_the_same_bytes(seen, tmp_path):
    main(["mail", "preview", "--to", str(tmp_path)])
    for name in files(seen, "eml"):
        assert (tmp_path / name).read_bytes() == (seen / name).read_bytes()


def test_a_storefront_sees_its_own_mails(tmp_path, capsys):
    (tmp_path / "shop.yaml").write_text(SHOP)
    assert main(["mail", "preview", "--to", str(tmp_path / "out"), "--storefront", str(tmp_path / "shop.yaml")]) == 0
    said = (tmp_path / "out/lamps/ticket-received.de.txt").read_text("utf-8")
    assert said.startswith("Moin Eva Martín!\n")
    assert "Lamps & Co" in said
    assert "\nUntil soon\n" in said
    assert str(tmp_path / "out/index.html") in capsys.readouterr().out


@pytest.mark.parametrize(("content", "reason"), [("[1]", "a storefront is a mapping"), ("id: lamps", "name"), ("{", "cannot be read")])  # fmt: skip
def test_what_is_no_storefront_is_refused_with_words(content, reason, tmp_path, capsys):
    (tmp_path / "shop.yaml").write_text(content)
    assert main(["mail", "preview", "--to", str(tmp_path / "out"), "--storefront", str(tmp_path / "shop.yaml")]) == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["mail", "preview", "--to", str(tmp_path / "file")]) == 1
    assert "cannot be written" in capsys.readouterr().err
