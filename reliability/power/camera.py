"""A disk that photographs, at each of its operations, what a power cut in the middle of it would leave, and goes on."""

from __future__ import annotations

from dataclasses import dataclass

from reliability.medium import Fault, Image, MediumFile, MediumVFS


@dataclass(frozen=True, slots=True)
class Photograph:
    """What a power cut at one moment would leave.

    operation: counted from 1 since the camera was pointed. moment: what the camera's `moment` was.
    """

    operation: int
    moment: int
    image: Image


class Camera(MediumVFS):
    """One run gives power cuts at all of its operations, each of them torn by chance on its own.

    moment: set by whoever uses the disk, to know how far the run was. photographs: what was taken; None: do not take any.
    copies: how many are taken at each operation.
    """

    def __init__(self, name: str, seed: int = 0) -> None:
        super().__init__(name, seed)
        self.moment = 0
        self.copies = 1
        self.photographs: list[Photograph] | None = None
        self._settled: dict[int, tuple[MediumFile, bytes]] = {}

    def end(self, fault: Fault | None) -> None:
        self.take()
        super().end(fault)

    def take(self) -> None:
        """Photograph what a power cut at this moment would leave."""
        if self.photographs is not None:
            operation = len(self.photographs) // self.copies + 1
            self.photographs += [Photograph(operation, self.moment, self._torn()) for _ in range(self.copies)]

    def settle(self, file: MediumFile) -> None:
        self._settled.pop(id(file), None)
        super().settle(file)

    def cut_power(self) -> None:
        self._settled.clear()
        super().cut_power()

    def restore(self, image: Image) -> None:
        self._settled.clear()
        super().restore(image)

    def _torn(self) -> Image:
        files = self._files if self._files == self._named else self._surviving_names()
        return {path: self._torn_file(file) for path, file in files.items()}

    def _torn_file(self, file: MediumFile) -> bytes:
        if file.pending:
            torn = MediumFile(bytearray(), bytearray(file.content), list(file.pending))
            torn.tear(self.chance)
            return bytes(torn.content)
        # Most operations are on another file: what did not change is kept once for all photographs.
        kept = self._settled.get(id(file))
        if kept is None:
            kept = self._settled[id(file)] = file, bytes(file.content)
        return kept[1]
