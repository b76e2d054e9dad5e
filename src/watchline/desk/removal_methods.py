"""What people ask about bodies that go: how many are due, to archive them, to erase them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchline.desk.removal import Removed
from watchline.journal import LineRecord

if TYPE_CHECKING:
    from watchline.desk.api import Api, Method

Json = dict[str, Any]


def methods(api: Api) -> dict[str, Method]:
    """The methods about bodies that go, by name."""
    removal = api.desk.removal

    async def bodies_due(line: str, older_than_days: int | None = None) -> Json:
        """How many bodies would go now."""
        api.desk.flush()
        return {"entries": removal.count(api.row(line), older_than_days)}

    async def archive(line: str, folder: str, older_than_days: int | None = None) -> Json:
        """Write the bodies that are due into a new file of the folder, then remove them."""
        removed = await run(api.row(line), Path(folder), older_than_days)
        return {"entries": removed.entries, "file": removed.file and str(removed.file), "sha256": removed.sha256}

    async def erase(line: str, older_than_days: int | None = None) -> Json:
        """Remove the bodies that are due, without a copy."""
        return {"entries": (await run(api.row(line), None, older_than_days)).entries}

    async def run(row: LineRecord, folder: Path | None, days: int | None) -> Removed:
        api.desk.flush()
        steps = removal.steps(row, folder, days)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                removed: Removed = end.value
                return removed
            await asyncio.sleep(0)

    return {"bodies_due": bodies_due, "archive": archive, "erase": erase}
