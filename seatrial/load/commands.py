"""`seatrial load`: a shop, or any other address, under load."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from seatrial.errors import UsageError
from seatrial.load.campaign import REQUESTS, Campaign
from seatrial.load.judging import LoadJudgement, LoadRecord, judge
from seatrial.load.profile import Profile, shipped
from seatrial.load.shop import Shop
from seatrial.progress import open_progress
from seatrial.verdict import Inconclusive, Verdict

_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smh])")
_LONGEST = 30 * 24 * 3600
_UNITS = {"s": 1, "m": 60, "h": 3600}
_TOKEN = re.compile(r"[!-~]+")


def load(
    *,
    profile: Annotated[
        str, typer.Option("--profile", help=f"One of {', '.join(shipped())}, or the path of a file.")
    ] = "normal",
    url: Annotated[str, typer.Option("--url", help="Where the shop is, such as https://shop.example.com.")] = "",
    host: Annotated[str, typer.Option("--host", help="The name to ask under, if it is not the one in --url.")] = "",
    ca: Annotated[Path | None, typer.Option("--ca", help="The certificate authority behind --url, as a file.")] = None,
    get: Annotated[
        list[str] | None, typer.Option("--get", help="Only read this path (repeatable): for what is no shop.")
    ] = None,
    times: Annotated[float, typer.Option("--times", help="So many times as many customers as the profile says.")] = 1.0,
    soak: Annotated[
        bool, typer.Option("--soak", help="The endurance profile for an hour, or as long as --for.")
    ] = False,
    lasting: Annotated[str, typer.Option("--for", help="How long it goes, such as 90s, 30m or 8h.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="The folder for what it leaves.")] = None,
    again: Annotated[Path | None, typer.Option("--again", help="Judge the record in this folder once more.")] = None,
) -> None:
    """Put a shop under load in an open loop and judge it: 0 if it passed, 1 if it did not or nobody can tell."""
    chosen = _profile("endurance" if soak else profile, times, lasting or ("1h" if soak else ""))
    if again is not None:
        judgement = _judged_again(chosen, again)
        folder = again
    else:
        folder = out or Path("reports") / "load" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{chosen.name}"
        judgement = Campaign(chosen, _shop(url, host, ca), folder, _paths(get or [])).run(open_progress())
    _show(judgement, folder)
    if not judgement.verdict.opens_gate:
        raise typer.Exit(1)


def _profile(name: str, times: float, lasting: str) -> Profile:
    chosen = Profile.named(name)
    if times <= 0:
        raise UsageError(f"--times is {times:g}, and has to be above 0")
    if times != 1:
        chosen = chosen.times(times)
    if not lasting:
        return chosen
    read = _SPAN.fullmatch(lasting)
    if read is None or float(read[1]) <= 0:
        raise UsageError(f"--for is {lasting!r}: write how long as 90s, 30m or 8h")
    seconds = float(read[1]) * _UNITS[read[2]]
    if seconds > _LONGEST:
        raise UsageError(f"--for is {lasting!r}: the longest is {_LONGEST // _UNITS['h']}h")
    return chosen.lasting(timedelta(seconds=seconds))


def _shop(url: str, host: str, ca: Path | None) -> Shop:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _TOKEN.fullmatch(url):
        raise UsageError(f"--url is {url!r}: say where the shop is, such as https://shop.example.com")
    if host and not _TOKEN.fullmatch(host):
        raise UsageError(f"--host is {host!r}, which is no host name")
    if ca is not None and not ca.is_file():
        raise UsageError(f"--ca is {ca}, and there is no such file")
    return Shop((url,), host, ca)


def _paths(paths: list[str]) -> tuple[str, ...]:
    for path in paths:
        if not path.startswith("/") or not _TOKEN.fullmatch(path):
            raise UsageError(f"--get is {path!r}: a path begins with / and has no spaces")
    return tuple(paths)


def _judged_again(profile: Profile, folder: Path) -> LoadJudgement:
    file = folder / REQUESTS
    if not file.is_file():
        raise UsageError(f"there is no record in {folder}: {REQUESTS} is not there")
    try:
        return judge(profile, LoadRecord.read(file))
    except Inconclusive as problem:
        return LoadJudgement.unknown(profile.name, problem.reason)
    except (ValueError, KeyError, TypeError) as problem:
        raise UsageError(f"{file} is no record of a run under load: {problem!r}") from problem


def _show(judgement: LoadJudgement, folder: Path) -> None:
    console = Console()
    table = Table("stage", "intended", "achieved", "succeeded", "p50", "p99", "generator")
    for one in judgement.results:
        table.add_row(
            one.stage.name,
            f"{one.stage.rate:g}/s",
            f"{one.achieved:.2%}",
            f"{one.success:.2%}",
            f"{one.p50 * 1000:.0f} ms",
            f"{one.p99 * 1000:.0f} ms",
            one.trouble() or "kept up",
        )
    if judgement.results:
        console.print(table)
    for finding in judgement.findings:
        console.print(f"{finding.verdict}: {finding.what}", highlight=False, markup=False, soft_wrap=True)
    if judgement.knee is not None:
        console.print(f"knee: {judgement.knee:g} requests per second", highlight=False)
    console.print(f"{judgement.profile} load: {judgement.verdict}", highlight=False, style=_STYLES[judgement.verdict])
    console.print(f"  {folder}", highlight=False, soft_wrap=True)


_STYLES = {Verdict.PASSED: "green", Verdict.FAILED: "red"} | {
    verdict: "yellow" for verdict in Verdict if verdict not in (Verdict.PASSED, Verdict.FAILED)
}
