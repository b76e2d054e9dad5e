from __future__ import annotations

from pathlib import Path

import pytest

from watchline.desk.config import Config, read_config
from watchline.desk.relay_settings import read_relays
from watchline.errors import SecretError, UsageError
from watchline.routes.nkey import UserKey
from watchline.routes.relays import RelayAccess

ADDRESS = "tls://relay.example.org:4222"
SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"  # of the documentation of NATS


def settings(folder: Path, text: str, credentials: str | None = None, mode: int = 0o600) -> Path:
    (folder / "watchline.toml").write_text(text)
    if credentials is not None:
        (folder / "secret").write_text(credentials)
        (folder / "secret").chmod(mode)
    return folder


def test_home_without_relays_has_none(tmp_path: Path) -> None:
    assert read_relays(settings(tmp_path, "")) == {}


def test_relay_has_its_credentials_and_certificates_from_files_of_the_home(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("certificates")
    text = (
        f'[[relay]]\naddress = "{ADDRESS}"\ncredentials = "secret"\nca = "ca.pem"\n\n[[relay]]\naddress = "nats://[::1]:4222"\n'
    )
    home = settings(tmp_path, text, "tokyo\na secret with spaces\n")
    assert read_relays(home) == {
        ADDRESS: RelayAccess("tokyo", "a secret with spaces", tmp_path / "ca.pem"),
        "nats://[::1]:4222": RelayAccess(),
    }


def test_relay_tables_leave_the_other_settings_as_they_are(tmp_path: Path) -> None:
    settings(tmp_path, f'dial_only = true\n[[relay]]\naddress = "{ADDRESS}"\n')
    assert read_config(tmp_path / "watchline.toml") == Config(dial_only=True)


def test_relay_without_a_table_is_given_no_credentials(tmp_path: Path) -> None:
    home = settings(tmp_path, f'[[relay]]\naddress = "{ADDRESS}"\ncredentials = "secret"\n', "tokyo\na secret\n")
    access = read_relays(home)
    assert access.get("tls://relay.example.org:4223") is None
    assert access.get("nats://relay.example.org:4222") is None


NKEY = f'[[relay]]\naddress = "{ADDRESS}"\nnkey = "secret"\n'


def test_relay_has_its_nkey_from_a_file_of_the_home(tmp_path: Path) -> None:
    access = read_relays(settings(tmp_path, NKEY, SEED + "\n"))[ADDRESS]
    assert access == RelayAccess(nkey=UserKey.read(SEED))
    assert access.user is None


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (SEED, 0o644, "read by others"),
        (f"{SEED}\n{SEED}", 0o600, "not one line"),
        ("SUAB", 0o600, "no seed"),
        (None, 0o600, "cannot be"),
    ],
)
def test_nkey_that_others_can_read_or_that_is_none_is_refused_and_not_repeated(
    tmp_path: Path, content: str | None, mode: int, said: str
) -> None:
    with pytest.raises(SecretError, match=said) as refused:
        read_relays(settings(tmp_path, NKEY, content, mode))
    assert SEED not in str(refused.value)


def test_relay_with_a_password_and_an_nkey_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not both"):
        read_relays(settings(tmp_path, NKEY + 'credentials = "secret"\n', "tokyo\na secret\n"))


@pytest.mark.parametrize("host", ["relay.example.org", "192.0.2.7", "[2001:db8::7]"])
def test_credentials_that_would_travel_in_the_clear_are_refused(tmp_path: Path, host: str) -> None:
    home = settings(tmp_path, f'[[relay]]\naddress = "nats://{host}:4222"\ncredentials = "secret"\n', "tokyo\na secret\n")
    with pytest.raises(UsageError, match="in the clear"):
        read_relays(home)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_credentials_that_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    home = settings(tmp_path, f'[[relay]]\naddress = "{ADDRESS}"\ncredentials = "secret"\n', "tokyo\na secret\n", mode)
    with pytest.raises(SecretError, match="read by others"):
        read_relays(home)


@pytest.mark.parametrize("credentials", [None, "", "tokyo\n", "tokyo\n\n", "\nsecret\n", "a\nb\nc\n"])
def test_credentials_that_are_not_two_lines_are_refused_without_showing_them(tmp_path: Path, credentials: str | None) -> None:
    home = settings(tmp_path, f'[[relay]]\naddress = "{ADDRESS}"\ncredentials = "secret"\n', credentials)
    with pytest.raises(SecretError) as caught:
        read_relays(home)
    assert "tokyo" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "relay = 7",
        "relay = [7]",
        'relay = "tls://relay.example.org:4222"',
        "[[relay]]",
        "[[relay]]\naddress = 7",
        '[[relay]]\naddress = "192.0.2.7:4222"',
        f'[[relay]]\naddress = "{ADDRESS}"\ncredential = "secret"',
        f'[[relay]]\naddress = "{ADDRESS}"\nca = "nowhere.pem"',
        f'[[relay]]\naddress = "{ADDRESS}"\nca = 7',
        f'[[relay]]\naddress = "{ADDRESS}"\n' * 17,
    ],
)
def test_tables_that_are_none_of_a_relay_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError):
        read_relays(settings(tmp_path, text))
