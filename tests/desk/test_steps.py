"""The tables [[escalation]] of watchline.toml: read strictly, each fault named; and the file that init writes shows them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from watchline.desk.config import Config, read_config
from watchline.desk.steps import DEFAULT_STEPS, EXAMPLE, STEPS_MAX, Bell, Command, Mail, MailTls, Officer, Webhook, read_steps
from watchline.errors import UsageError

GOOD = """
[[escalation]]
name = "call"
at = 0.3
precedence = ["FLASH", "IMMEDIATE"]
officer = 7
[[escalation]]
name = "role"
at = 1
officer = "releaser"
exercises = true
[[escalation]]
name = "ring"
at = 0.5
bell = true
[[escalation]]
name = "hook"
at = 0.5
webhook = "https://pager.example.org/hook"
secret_file = "pager.secret"
[[escalation]]
name = "mail"
at = 2.5
smtp = "[::1]:25"
from = "desk@example.org"
to = ["a@example.org", "b@example.org"]
[[escalation]]
name = "page"
at = 0.9
command = ["/usr/local/bin/page", "duty; rm -rf"]
"""
MAIL = "name = 'a'\nat = 0.3\nsmtp = 'mail.example.org:587'\nfrom = 'a@b.c'\nto = ['a@b.c']"


def test_every_kind_of_step_is_read(tmp_path: Path) -> None:
    (tmp_path / "watchline.toml").write_text(GOOD)
    steps = read_config(tmp_path / "watchline.toml").escalation

    assert [step.action for step in steps] == [
        Officer(7),
        Officer("releaser"),
        Bell(),
        Webhook("https://pager.example.org/hook", "pager.secret"),
        Mail("::1", 25, "desk@example.org", ("a@example.org", "b@example.org"), MailTls.NONE),
        Command(("/usr/local/bin/page", "duty; rm -rf")),
    ]
    assert [step.at for step in steps] == [0.3, 1.0, 0.5, 0.5, 2.5, 0.9]
    assert steps[0].precedences == (2, 3)
    assert steps[1].precedences == (0, 1, 2, 3)
    assert [step.exercises for step in steps[:2]] == [False, True]


def test_secret_without_a_folder_lies_in_the_home(tmp_path: Path) -> None:
    (hook,) = (step for step in read_steps(tomllib.loads(GOOD)["escalation"]) if step.name == "hook")
    assert hook.within(tmp_path).action == Webhook("https://pager.example.org/hook", str(tmp_path / "pager.secret"))


@pytest.mark.parametrize(
    ("server", "set_to", "expected"),
    [
        ("mail.example.org:25", "", MailTls.STARTTLS),
        ("localhost:25", "", MailTls.NONE),
        ("127.0.0.1:25", "tls = 'starttls'", MailTls.STARTTLS),
        ("mail.example.org:465", "tls = 'implicit'", MailTls.IMPLICIT),
        ("mail.example.org:25", "tls = 'none'", MailTls.NONE),
    ],
)
def test_mail_to_another_machine_is_encrypted_unless_it_is_said_otherwise(server: str, set_to: str, expected: MailTls) -> None:
    table = tomllib.loads(f"{MAIL}\n{set_to}") | {"smtp": server}
    (step,) = read_steps([table])
    assert isinstance(step.action, Mail)
    assert step.action.tls is expected


def test_files_of_a_mail_step_lie_in_the_home(tmp_path: Path) -> None:
    (step,) = read_steps([tomllib.loads(f"{MAIL}\nca = 'ca.pem'\ncredentials = '/etc/credentials'")])
    mail = step.within(tmp_path).action
    assert isinstance(mail, Mail)
    assert (mail.ca, mail.credentials) == (str(tmp_path / "ca.pem"), "/etc/credentials")


def test_without_tables_there_are_three_steps_at_3_6_and_10_minutes_of_a_flash() -> None:
    assert Config().escalation == ()
    assert [step.at * 600 for step in DEFAULT_STEPS] == [180, 360, 600]


def test_example_in_the_file_that_init_writes_can_be_used_with_each_of_its_actions() -> None:
    lines = [line.removeprefix("# ").partition("#")[0].rstrip() for line in EXAMPLE.splitlines() if " = " in line]
    settings = {line.partition(" = ")[0]: line for line in lines if line.partition(" = ")[0].isidentifier()}
    common = [settings.pop(name) for name in ("name", "at", "precedence", "exercises")]
    actions = [
        ["officer"],
        ["bell"],
        ["webhook", "secret_file"],
        ["smtp", "from", "to", "tls", "ca", "credentials"],
        ["command"],
    ]

    assert sorted(settings) == sorted(name for names in actions for name in names)
    for names in actions:
        text = "\n".join(["[[escalation]]", *common, *(settings[name] for name in names)])
        assert len(read_steps(tomllib.loads(text)["escalation"])) == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("name = 'a'\nat = 0.3", "exactly one of"),
        ("name = 'a'\nat = 0.3\nbell = true\nofficer = 1", "exactly one of"),
        ("name = 'a'\nbell = true", "at must"),
        ("name = 'a'\nat = 0\nbell = true", "at must"),
        ("name = 'a'\nat = nan\nbell = true", "at must"),
        ("name = 'a'\nat = true\nbell = true", "at must"),
        ("name = 'a'\nat = 101\nbell = true", "at must"),
        ("at = 0.3\nbell = true", "name must"),
        ("name = 'A b'\nat = 0.3\nbell = true", "name must"),
        ("name = 'a'\nat = 0.3\nbell = false", "bell must"),
        ("name = 'a'\nat = 0.3\nbel = true", "no setting 'bel'"),
        ("name = 'a'\nat = 0.3\nbell = true\nto = ['a@b.c']", "does not go with bell"),
        ("name = 'a'\nat = 0.3\nofficer = 'boss'", "officer must"),
        ("name = 'a'\nat = 0.3\nofficer = 0", "officer must"),
        ("name = 'a'\nat = 0.3\nofficer = true", "officer must"),
        ("name = 'a'\nat = 0.3\nbell = true\nprecedence = []", "precedence must"),
        ("name = 'a'\nat = 0.3\nbell = true\nprecedence = 'FLASH'", "precedence must"),
        ("name = 'a'\nat = 0.3\nbell = true\nprecedence = ['URGENT']", "precedence must"),
        ("name = 'a'\nat = 0.3\nbell = true\nexercises = 1", "exercises must"),
        ("name = 'a'\nat = 0.3\nwebhook = 'https://a.example'", "secret_file must"),
        ("name = 'a'\nat = 0.3\nwebhook = 'file:///etc/passwd'\nsecret_file = 's'", "webhook must"),
        ("name = 'a'\nat = 0.3\nwebhook = 'https://'\nsecret_file = 's'", "webhook must"),
        ("name = 'a'\nat = 0.3\nwebhook = 'https://a:99999/'\nsecret_file = 's'", "webhook must"),
        ("name = 'a'\nat = 0.3\nwebhook = 'https://a/ b'\nsecret_file = 's'", "webhook must"),
        ("name = 'a'\nat = 0.3\nsmtp = 'mail'\nfrom = 'a@b.c'\nto = ['a@b.c']", "smtp must"),
        ("name = 'a'\nat = 0.3\nsmtp = 'mail:0'\nfrom = 'a@b.c'\nto = ['a@b.c']", "smtp must"),
        ("name = 'a'\nat = 0.3\nsmtp = 'mail:25'\nfrom = 'a'\nto = ['a@b.c']", "mail addresses"),
        ("name = 'a'\nat = 0.3\nsmtp = 'mail:25'\nfrom = 'a@b.c'\nto = ['a@b.c\\r\\nBcc: x@y.z']", "TOML|mail addresses"),
        ('name = "a"\nat = 0.3\nsmtp = "mail:25"\nfrom = "a@b.c"\nto = ["a@b.c\\r\\nBcc: x@y.z"]', "mail addresses"),
        ("name = 'a'\nat = 0.3\nsmtp = 'mail:25'\nfrom = 'a@b.c'\nto = 'a@b.c'", "to must"),
        (f"{MAIL}\ntls = 'yes'", "tls must be one of starttls, implicit, none"),
        (f"{MAIL}\ntls = true", "tls must"),
        (f"{MAIL}\nca = ''", "ca must"),
        (f"{MAIL}\ncredentials = 1", "credentials must"),
        (f"{MAIL}\ntls = 'none'\nca = 'ca.pem'", "ca does not go with"),
        (f"{MAIL}\ntls = 'none'\ncredentials = 'c'", "in the clear"),
        ("name = 'a'\nat = 0.3\ncommand = 'page duty'", "command must"),
        ("name = 'a'\nat = 0.3\ncommand = []", "command must"),
        ("name = 'a'\nat = 0.3\ncommand = ['page']", "whole path"),
        ('name = "a"\nat = 0.3\ncommand = ["/bin/a", "b\\u0000c"]', "command must"),
    ],
)
def test_step_that_cannot_be_used_is_refused_by_name(tmp_path: Path, table: str, said: str) -> None:
    (tmp_path / "watchline.toml").write_text(f"[[escalation]]\n{table}\n")
    with pytest.raises(UsageError, match=said) as caught:
        read_config(tmp_path / "watchline.toml")
    assert caught.value.hint


@pytest.mark.parametrize("text", ["escalation = 1", "escalation = [1]", "[escalation]\nat = 1"])
def test_escalation_that_is_no_list_of_tables_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "watchline.toml").write_text(text)
    with pytest.raises(UsageError, match="list of at most"):
        read_config(tmp_path / "watchline.toml")


def test_steps_are_bounded_and_have_names_of_their_own() -> None:
    step = {"name": "a", "at": 1.0, "bell": True}
    with pytest.raises(UsageError, match="one name"):
        read_steps([step, step])
    with pytest.raises(UsageError, match="at most"):
        read_steps([{**step, "name": f"a{number}"} for number in range(STEPS_MAX + 1)])
