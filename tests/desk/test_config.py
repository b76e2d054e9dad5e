from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from tests.line_pair import seeded
from watchline.core.keys import Ed25519Key
from watchline.core.witnessing import WitnessKey
from watchline.desk.config import SETTINGS, TABLES, TABLES_EXAMPLE, Config, default_text, read_config
from watchline.desk.relay_settings import read_relays
from watchline.desk.steps import EXAMPLE
from watchline.desk.witness_addresses import read_witness_addresses
from watchline.errors import UsageError

WITNESS = WitnessKey("witness.example.org/w1", Ed25519Key(seeded("witness").randbytes(32))).verifier.to_text()


def config_of(folder: Path, text: str) -> Config:
    (folder / "watchline.toml").write_text(text)
    return read_config(folder / "watchline.toml")


def test_file_that_init_writes_changes_nothing(tmp_path: Path) -> None:
    assert config_of(tmp_path, default_text()) == Config()


def test_file_that_init_writes_shows_every_setting_with_its_default() -> None:
    settings = default_text().removesuffix(TABLES_EXAMPLE + EXAMPLE)
    uncommented = "\n".join(line.removeprefix("# ") for line in settings.splitlines() if " = " in line)
    shown = tomllib.loads(uncommented)

    assert list(shown) == [setting.name for setting in fields(Config) if setting.name != "escalation"] == list(SETTINGS)
    assert all(shown[name] == (list(default) if isinstance(default, tuple) else default) for name, default in _defaults())


@pytest.mark.parametrize("name", [*TABLES, "escalation"])
def test_file_that_init_writes_shows_every_table_and_a_wrong_name_of_one_is_refused_with_the_right_one(
    tmp_path: Path, name: str
) -> None:
    assert f"\n# [[{name}]]\n" in default_text()
    with pytest.raises(UsageError, match=f"'{name}s'") as caught:
        config_of(tmp_path, f"[[{name}s]]\n")
    assert name in caught.value.hint


def test_tables_that_init_shows_are_read_by_their_subjects(tmp_path: Path) -> None:
    (tmp_path / "relay.credentials").write_text("user\npassword\n")
    (tmp_path / "relay.credentials").chmod(0o600)
    (tmp_path / "relay-ca.pem").write_text("")
    shown = TABLES_EXAMPLE.replace("witness.example.org/w1+a4b32f74+BBXZ...", WITNESS)
    kept = [line.removeprefix("# ") for line in shown.splitlines() if line.startswith("# [[") or " = " in line]
    config_of(tmp_path, "\n".join(kept))
    assert list(read_relays(tmp_path)) == ["tls://relay.example.org:4222"]
    assert [address.url for address in read_witness_addresses(tmp_path / "watchline.toml")] == [
        "https://witness.example.org/w1"
    ]


def _defaults() -> list[tuple[str, object]]:
    return [(name, getattr(Config(), name)) for name in SETTINGS]


def test_settings_are_read(tmp_path: Path) -> None:
    text = 'listen = ["0.0.0.0:7400"]\ndial_only = true\nreconnect_first_seconds = 1\nlog_level = "debug"\n'

    config = config_of(tmp_path, text)

    assert (config.listen, config.dial_only, config.log_level) == (("0.0.0.0:7400",), True, "debug")
    assert type(config.reconnect_first_seconds) is float


def test_unknown_setting_is_refused_with_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'status_intervall_seconds'") as caught:
        config_of(tmp_path, "status_intervall_seconds = 5")

    assert "status_interval_seconds" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "status_interval_seconds = 0",
        "status_interval_seconds = 1.5",
        'status_interval_seconds = "60"',
        "status_interval_seconds = true",
        "test_interval_seconds = 86401",
        "dial_only = 1",
        "listen = ['nowhere']",
        "listen = 'desk:1'",
        "listen = [7400]",
        "log_level = 'loud'",
        "reserve_bytes = -1",
        "handshake_seconds = nan",
        "handshake_seconds = inf",
        "reconnect_first_seconds = 9\nreconnect_last_seconds = 8",
        "not toml",
    ],
)
def test_setting_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        config_of(tmp_path, text)

    assert caught.value.hint


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "watchline.toml").write_bytes(b"\xff")

    with pytest.raises(UsageError, match="not TOML"):
        read_config(tmp_path / "watchline.toml")


def test_anchor_is_a_path_and_empty_means_none(tmp_path: Path) -> None:
    assert config_of(tmp_path, 'anchor = "/media/second/anchor"').anchor == "/media/second/anchor"
    assert config_of(tmp_path, "").anchor == ""
    for text in ("anchor = 7", "anchor = ['a']", 'anchor = "a\\u0000b"', f'anchor = "{"a" * 4_097}"'):
        with pytest.raises(UsageError, match="anchor must be a path"):
            config_of(tmp_path, text)
