"""What a step of escalation does outside this process: posts, mails, runs a program. Each within its time, with few retries.

None of it may hold up the desk: all runs beside the event loop, and whatever the other end does ends within the limits below.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from pathlib import Path

from watchline.desk.mail import send_mail
from watchline.desk.steps import Command, Mail, Step, Webhook
from watchline.errors import SecretError

SIGNATURE_HEADER = "Watchline-Signature"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")  # of our environment; the others may name the files of secrets
DETAIL_CHARACTERS_MAX = 200
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Alarm:
    """The notice that nobody acknowledges, as those outside are told: nothing of what it says."""

    line: str
    id: str
    form: str
    precedence: str
    seconds: int
    allowed: int
    exercise: bool


TEST_ALARM = Alarm("test", "test", "test", "FLASH", 0, 600, True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended. detail: one line for people. attempts: how often it was tried."""

    ok: bool
    detail: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often. limit_seconds: of one attempt. first_seconds: before the second; it doubles each time."""

    attempts: int = 3
    limit_seconds: float = 15.0
    first_seconds: float = 2.0


DEFAULT_PATIENCE = Patience()


async def act(
    step: Step, alarm: Alarm, *, now: Callable[[], int], uniform: Callable[[float, float], float], patience: Patience
) -> Outcome:
    """Take a step of the kinds webhook, smtp or command; whatever happens is an outcome.

    now: seconds since 1970, for the signature. uniform: gives the jitter of the waits.
    """
    outcome = Outcome(False, "nothing was tried", 0)
    for attempt in range(1, patience.attempts + 1):
        if attempt > 1:
            await asyncio.sleep(patience.first_seconds * 2 ** (attempt - 2) * uniform(0.5, 1.5))
        ok, detail = await _attempt(step, alarm, now(), patience.limit_seconds)
        outcome = Outcome(ok, detail[:DETAIL_CHARACTERS_MAX], attempt)
        if ok:
            break
    return outcome


async def _attempt(step: Step, alarm: Alarm, now: int, limit_seconds: float) -> tuple[bool, str]:
    try:
        match step.action:
            case Webhook() as webhook:
                return await asyncio.wait_for(_post(webhook, alarm, now, limit_seconds), limit_seconds)
            case Mail() as mail:
                return await send_mail(mail, _message(mail, alarm), limit_seconds)
            case Command() as command:
                return await _run(command, alarm, limit_seconds)
            case _:
                return False, "this step does nothing outside the node"
    except TimeoutError:
        return False, f"no end within {limit_seconds:g} s"
    except (OSError, ValueError, SecretError) as error:
        return False, f"{type(error).__name__}: {error}"


# --- a webhook


def signature(secret: bytes, now: int, body: bytes) -> str:
    """The value of the header Watchline-Signature: HMAC-SHA256 of the time, a dot, and the body."""
    return f"t={now},v1={hmac.new(secret, str(now).encode() + b'.' + body, hashlib.sha256).hexdigest()}"


async def _post(webhook: Webhook, alarm: Alarm, now: int, limit_seconds: float) -> tuple[bool, str]:
    import httpx

    from watchline.desk.secrets import read_passphrase

    secret = read_passphrase(Path(webhook.secret_file)).encode()
    body = json.dumps(asdict(alarm), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature(secret, now, body)}
    try:
        async with (
            httpx.AsyncClient(follow_redirects=False, timeout=limit_seconds, trust_env=False) as client,
            client.stream("POST", webhook.url, content=body, headers=headers) as answer,  # its body is never read
        ):
            return answer.is_success, f"answered {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return False, f"{type(error).__name__}: {error}"


# --- a mail


def _message(mail: Mail, alarm: Alarm) -> EmailMessage:
    message = EmailMessage()
    exercise = "EXERCISE " if alarm.exercise else ""
    message["From"], message["To"] = mail.sender, ", ".join(mail.recipients)
    message["Subject"] = f"{exercise}{alarm.precedence} on line {alarm.line}: {alarm.id} is not acknowledged"
    message.set_content("".join(f"{name}: {value}\n" for name, value in asdict(alarm).items()))
    return message


# --- a program


async def _run(command: Command, alarm: Alarm, limit_seconds: float) -> tuple[bool, str]:
    told = {f"WATCHLINE_{name.upper()}": str(value) for name, value in asdict(alarm).items()}
    told["WATCHLINE_EXERCISE"] = "true" if alarm.exercise else "false"
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | told
    process = await asyncio.create_subprocess_exec(
        *command.arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        code = await asyncio.wait_for(process.wait(), limit_seconds)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it, and all that it has started
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return code == 0, f"ended with {code}"


# --- beside the event loop


class Actions:
    """Takes steps beside the event loop, a few at a time."""

    def __init__(
        self, *, now: Callable[[], int], uniform: Callable[[float, float], float], patience: Patience = DEFAULT_PATIENCE
    ) -> None:
        self._now, self._uniform, self._patience = now, uniform, patience
        self._free = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, step: Step, alarm: Alarm, done: Callable[[Outcome], None]) -> None:
        """Take a step; `done` is called with its outcome, unless this is closed before."""
        task = asyncio.get_running_loop().create_task(self._take(step, alarm, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, step: Step, alarm: Alarm, done: Callable[[Outcome], None]) -> None:
        async with self._free:
            try:
                outcome = await act(step, alarm, now=self._now, uniform=self._uniform, patience=self._patience)
            except Exception as error:  # noqa: BLE001 - a library's own mistake must not leave a step without an outcome
                outcome = Outcome(False, f"{type(error).__name__}: {error}"[:DETAIL_CHARACTERS_MAX])
        done(outcome)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
