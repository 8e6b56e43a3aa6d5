"""Which core serves and which core sends, so that neither slows the other down."""

import os
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass


@dataclass(frozen=True)
class Cores:
    """Two sets of cores; an empty one means "wherever the system likes"."""

    server: frozenset[int] = frozenset()
    load: frozenset[int] = frozenset()

    def pin_server(self, pid: int) -> None:
        _pin(pid, self.server)

    def pin_load(self) -> None:
        _pin(0, self.load)


def add_options(parser: ArgumentParser, pinned: bool) -> None:
    """`--pin` or `--no-pin`; the default is what measured best for that bench."""
    parser.add_argument("--pin", dest="pin", action="store_true", default=pinned)
    parser.add_argument("--no-pin", dest="pin", action="store_false")


def chosen(options: Namespace) -> Cores:
    """The first core for the server, the others for the load, where the system can pin and has two."""
    if not options.pin or not hasattr(os, "sched_getaffinity"):
        return Cores()
    first, *others = sorted(os.sched_getaffinity(0))
    return Cores(frozenset({first}), frozenset(others)) if others else Cores()


def _pin(pid: int, cores: frozenset[int]) -> None:
    if cores:
        os.sched_setaffinity(pid, cores)
