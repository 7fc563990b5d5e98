"""Signals interrupt once, and the clean-up that follows is left in peace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from seatrial.ending import GoodOrder, end_with


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts(number: signal.Signals) -> None:
    order = GoodOrder(print)
    assert not order.ending
    with pytest.raises(KeyboardInterrupt):
        order.receive(number)
    assert order.ending


def test_later_signals_let_the_clean_up_go_on_and_say_so() -> None:
    said: list[str] = []
    order = GoodOrder(said.append)
    with pytest.raises(KeyboardInterrupt):
        order.receive(signal.SIGINT)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        order.receive(number)
    assert len(said) == 4


def test_who_presses_ctrl_c_a_third_time_means_it() -> None:
    order = GoodOrder(lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        order.receive(signal.SIGINT)
    order.receive(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        order.receive(signal.SIGINT)


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    put_back = GoodOrder(print).install()
    assert signal.getsignal(signal.SIGTERM) != before
    put_back()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_process_that_is_not_the_parent_is_not_followed() -> None:
    assert not end_with(os.getpid())


def test_a_run_ends_with_the_launcher_that_started_it() -> None:
    # The launcher starts the run, waits until it listens, and is then killed; the run reports its own SIGTERM.
    run = (
        "import os, signal, sys, threading\n"
        "from seatrial.ending import end_with\n"
        "told = threading.Event()\n"
        "signal.signal(signal.SIGTERM, lambda *_: told.set())\n"
        "assert end_with(os.getppid())\n"
        "print('listening', flush=True)\n"
        "print('ended in good order' if told.wait(20) else 'went on', flush=True)\n"
    )
    launcher = f"import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', {run!r}])\nchild.wait()\n"
    with subprocess.Popen([sys.executable, "-c", launcher], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "listening\n"
        started.kill()
        assert started.stdout.readline() == "ended in good order\n"
