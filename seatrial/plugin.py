"""The pytest plugin: it runs scenarios against a target and says honestly how each went.

Options choose the target and the scenarios; fixtures give steps the cluster; hooks turn what happens into verdicts and
evidence. Exit codes: 0 all that was selected passed, is waived, or is no worse than the baseline given; 1 it did not; 2
bad input, said in one sentence; 130 interrupted.
"""

from __future__ import annotations

import inspect
import io
import os
import re
import secrets
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import scenario as bind
from pytest_bdd.compat import get_fixture_names, getfixturedefs
from pytest_bdd.feature import get_feature
from pytest_bdd.steps import StepNamePrefix, step_function_context_registry
from rich.console import Console

from seatrial import specification
from seatrial.audit.bundle import make_bundle
from seatrial.audit.keys import signing_key
from seatrial.chaos.journal import Journal
from seatrial.cloud.choice import AWS, EMULATOR, choose
from seatrial.ending import GoodOrder, end_with
from seatrial.errors import UsageError
from seatrial.evidence import answers, waivers
from seatrial.evidence.answers import ManualScenario, answered_by_persons
from seatrial.evidence.baseline import check_label, read_baseline
from seatrial.evidence.entries import default_files
from seatrial.evidence.environment import describe_environment
from seatrial.evidence.formats import FORMATS
from seatrial.evidence.identity import Identities
from seatrial.evidence.markdown import add_step_summary
from seatrial.evidence.recording import Recording, template_of
from seatrial.evidence.redaction import Redactor
from seatrial.evidence.store import RETAINED, RunDirectory, retire
from seatrial.evidence.terminal import TreePrinter, print_summary
from seatrial.evidence.words import slug
from seatrial.progress import Progress, open_progress
from seatrial.requirements import TAG_PREFIX, register
from seatrial.target import Target, kubeconfig_target, target_of
from seatrial.truth import TruthLabel
from seatrial.verdict import Inconclusive, Missing, Verdict
from seatrial.witness import listening

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from _pytest.terminal import TerminalReporter
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from pytest_bdd.parser import Scenario, Step

    from seatrial.audit import RunRecord, Waiver
    from seatrial.cloud.choice import RealAccount
    from seatrial.cluster import RunningCluster
    from seatrial.evidence.answers import Given
    from seatrial.evidence.baseline import BaselineFile
    from seatrial.kube import Cluster, Namespace

# What pytest only warns of, although something failed or was never done.
_HIDDEN_FAILURES = (
    "error::pytest.PytestUnhandledThreadExceptionWarning",
    "error::pytest.PytestUnraisableExceptionWarning",
    "error:coroutine .* was never awaited:RuntimeWarning",
)
_NOT_PASSED = 1
_BAD_INPUT = 2
_INTERRUPTED = 130
# Tags that mean something to the specification itself, whoever wrote the feature.
_OWN_TAGS = {
    "refusal": "something must be refused; a scenario tagged permitted stands beside it",
    "permitted": "the twin of a refusal: the same, where it must be let through",
    "manual": "a person answers it, in answers.toml; its steps are not run",
}
# What a run is against in which persons answer everything.
_NO_CLUSTER = Target("no cluster", TruthLabel.OTHER, Path(), None, None, None)


@dataclass
class ObservedNamespaces:
    """The namespaces whose events, logs and descriptions are kept when a scenario does not pass."""

    namespaces: list[Namespace] = field(default_factory=list)

    def add(self, namespace: Namespace) -> None:
        """Observe *namespace* until the session ends."""
        if namespace not in self.namespaces:
            self.namespaces.append(namespace)

    @contextmanager
    def during(self, namespace: Namespace) -> Iterator[None]:
        """Observe *namespace* until the block ends."""
        self.namespaces.append(namespace)
        try:
            yield
        finally:
            self.namespaces.remove(namespace)

    def collect(self, folder: Path) -> tuple[Path, ...]:
        """Write down what each of them can tell, each in a folder of its own below *folder*; return the files."""
        if not self.namespaces:
            return ()
        from seatrial.kube import collect  # noqa: PLC0415 (it takes a while to import, and most runs need it never)

        return tuple(
            file for namespace in tuple(self.namespaces) for file in collect(namespace, folder / namespace.name)
        )


def _seen_progress() -> Progress:
    """Return progress that is seen while tests run, when pytest keeps what is written to the standard error itself."""
    try:
        own = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")
    except (AttributeError, OSError):  # there is none, or somebody reads it in this process
        return open_progress()
    return open_progress(Console(file=own, stderr=True))


@dataclass
class _Session:
    """What one pytest session holds on to, from its options to its end."""

    config: pytest.Config
    progress: Progress = field(default_factory=_seen_progress)
    held: ExitStack = field(default_factory=ExitStack)
    observed: ObservedNamespaces = field(default_factory=ObservedNamespaces)
    left_out: list[pytest.Item] = field(default_factory=list)
    target: Target | None = None
    running: RunningCluster | None = None
    recording: Recording | None = None
    printer: TreePrinter | None = None
    ended: RunRecord | None = None
    refused: int | None = None
    identities: Identities | None = None
    waivers: Mapping[str, Waiver] = field(default_factory=dict)
    answers: Mapping[str, Given] = field(default_factory=dict)
    baseline: BaselineFile | None = None
    failed_beside: bool = False  # something did that is no scenario
    real_account: RealAccount | None = None
    signer: Ed25519PrivateKey | None = None
    bundle: Path | None = None
    unbundled: str | None = None
    order: GoodOrder = field(init=False)

    def __post_init__(self) -> None:
        self.order = GoodOrder(self.progress.say)

    @classmethod
    def of(cls, config: pytest.Config) -> _Session:
        """Return the one of *config*."""
        if _SESSION not in config.stash:
            config.stash[_SESSION] = cls(config)
        return config.stash[_SESSION]

    def refuse(self, sentence: str, code: int = _BAD_INPUT) -> None:
        """Say why nothing is run, and remember to end with *code*."""
        self.refused = code
        with self.uncaptured():
            sys.stderr.write(f"seatrial: {sentence}\n")
            sys.stderr.flush()

    @contextmanager
    def uncaptured(self) -> Iterator[None]:
        """Let what is printed through to the person, past pytest's capturing."""
        capture = self.config.pluginmanager.getplugin("capturemanager")
        if capture is None:
            yield
        else:
            with capture.global_and_fixture_disabled():
                yield


_SESSION = pytest.StashKey[_Session]()

# Options -------------------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that choose the target, the scenarios and what is left behind."""
    group = parser.getgroup("seatrial", "target and scenarios")
    group.addoption("--target", choices=["embedded"], help="run on the embedded cluster (this is the default)")
    group.addoption("--kubeconfig", type=_path, metavar="FILE", help="run on the cluster of this kubeconfig instead")
    group.addoption("--context", metavar="NAME", help="the kubeconfig's context; its current one if none is given")
    group.addoption(
        "--registry",
        metavar="HOST:PORT",
        help="registry for images: [http://]host:port[/prefix], then =host:port[/prefix] if nodes use another name",
    )
    group.addoption("--edge", metavar="HOST[:PORT]", help="where the cluster's ingress is reached, over TLS")
    group.addoption("--edge-ca", type=_path, metavar="FILE", help="the authority that signed the edge's certificate")
    group.addoption(
        "--features",
        dest="feature_folders",  # pytest-bdd uses the name features for its own
        type=_path,
        action="append",
        default=[],
        metavar="DIR",
        help="run the feature files of this folder, and only those; may be repeated",
    )
    group.addoption(
        "--req", action="append", default=[], metavar="ID", help="run what proves this requirement; may be repeated"
    )
    group.addoption("--waivers", type=_path, metavar="FILE", help="what need not pass; waivers.toml if it exists")
    group.addoption("--answers", type=_path, metavar="FILE", help="what persons found; answers.toml if it exists")
    group.addoption("--baseline", type=_path, metavar="FILE", help="end with 0 if nothing is worse than it was then")
    group.addoption("--keep", action="store_true", help="leave the namespaces of scenarios until the next run")
    group.addoption("--runs", type=_path, metavar="DIR", help="folder for run directories; reports if none is given")
    group.addoption(
        "--keep-runs", type=int, default=RETAINED, metavar="N", help=f"runs to keep there; {RETAINED} if not given"
    )
    group.addoption("--bundle", action="store_true", help="at the end, put all evidence into one file signed by you")
    group.addoption("--challenge", metavar="TEXT", help="keep this in the evidence, to show that it is no older")
    group.addoption(
        "--cloud", choices=[EMULATOR, AWS], help="build the platform on an emulator of AWS (default), or in an account"
    )
    group.addoption("--environment", metavar="NAME", help="the environment to build in the account")
    group.addoption("--budget", type=float, metavar="USD", help="what it may cost there, in US dollars a month")
    group.addoption("--state-bucket", metavar="NAME", help="the account's S3 bucket that keeps OpenTofu's state")
    group.addoption("--accept-costs", action="store_true", help="yes, it costs money until it is taken down")
    group.addoption("--no-wait", action="store_true", help="refuse at once if the embedded cluster is in use")
    group.addoption("--no-install", action="store_true", help="say what is missing on this machine, install nothing")


def _path(text: str) -> Path:
    # nox starts its commands in the project's folder, whatever folder the person was in.
    return Path(os.environ.get("SEATRIAL_INVOKED_FROM", "."), text).absolute()


def pytest_configure(config: pytest.Config) -> None:
    """Register the tags, and end in good order on each signal that asks for it."""
    mine = _Session.of(config)
    for requirement in register():
        config.addinivalue_line("markers", f"{requirement.tag}: {requirement.sentence}")
    for tag, meaning in _OWN_TAGS.items():
        config.addinivalue_line("markers", f"{tag}: {meaning}")
    config.add_cleanup(mine.order.install())
    for warning in _HIDDEN_FAILURES:
        config.addinivalue_line("filterwarnings", warning)
    end_with(int(os.environ.get("SEATRIAL_LAUNCHER", "0")))


# Bad input, before anything else is done -----------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Refuse bad input with one sentence; this is before pytest's own machinery, which would show a traceback."""
    try:
        features = _features(config)
        _check_tags(config, features)
        _read_decisions(config, features)
        _check_target(config)
        option = config.option
        _Session.of(config).real_account = choose(
            option.cloud, option.environment, option.budget, option.state_bucket, accepted=option.accept_costs
        )
        _read_baseline(config)
        if config.option.bundle:
            # A key that cannot be used is said now, not after the run.
            _Session.of(config).signer = signing_key()
    except UsageError as error:
        for sentence in str(error).splitlines():
            sys.stderr.write(f"seatrial: {sentence}\n")
        return _BAD_INPUT
    if config.option.feature_folders:
        config.args = [str(directory) for directory in config.option.feature_folders]
    return None


def _features(config: pytest.Config) -> tuple[specification.Feature, ...]:
    """Read the features that may run: the project's own, or those of the folders given."""
    given: list[Path] = config.option.feature_folders
    for directory in given:
        if not directory.is_dir():
            raise UsageError(f"The folder of features {directory} does not exist: give another with --features.")
    found: list[specification.Feature] = []
    for directory in given or [_root(config) / "features"]:
        read = specification.read_features(directory)
        if given and not read:
            raise UsageError(f"{directory} holds no file that ends in .feature: give another folder with --features.")
        found.extend(read)
    return tuple(found)


def _root(config: pytest.Config) -> Path:
    """Return the project's folder: where pytest is configured, or else where it was started.

    Without a configuration, pytest takes what the folders given have in common, which is another one for each of them.
    """
    return config.rootpath if config.inipath is not None else config.invocation_params.dir


def _check_tags(config: pytest.Config, features: Sequence[specification.Feature]) -> None:
    """Refuse unknown tags; those of a stranger's features are the stranger's own, except for requirement ids."""
    known = register()
    registered = {re.split(r"[:(]", line)[0].strip() for line in config.getini("markers")} | _OWN_TAGS.keys()
    for feature in features:
        for rule, scenario in feature.scenarios:
            for tag in sorted(feature.tags_of(rule, scenario)):
                where = f"{feature.file}, scenario {scenario.name!r}"
                known.check_tag(tag, where=where)
                if tag.startswith(TAG_PREFIX) or tag in registered:
                    continue
                if not config.option.feature_folders:
                    raise UsageError(f"Unknown tag {tag} in {where}: correct it, or register it as a pytest marker.")
                config.addinivalue_line("markers", f"{tag}: used in {feature.file}")
                registered.add(tag)
    for identifier in config.option.req:
        known.check_tag(_tag(identifier), where="--req")
    # The words of a marker expression, by the grammar that pytest documents for -m.
    for word in re.findall(r"[\w:+\-.\[\]\\/]+", config.option.markexpr or ""):
        known.check_tag(word, where="-m")


def _tag(identifier: str) -> str:
    return TAG_PREFIX + identifier.removeprefix(TAG_PREFIX)


def _check_target(config: pytest.Config) -> None:
    """Refuse options that do not fit together, and a cluster of the person's own that cannot be used."""
    option = config.option
    if option.kubeconfig is None:
        for name in ("context", "registry", "edge", "edge_ca"):
            if getattr(option, name) is not None:
                flag = f"--{name.replace('_', '-')}"
                raise UsageError(f"{flag} is about a cluster of your own: give its --kubeconfig too.")
        return
    if option.target is not None:
        raise UsageError("--target embedded and --kubeconfig name two clusters: give one of them.")
    _Session.of(config).target = kubeconfig_target(
        option.kubeconfig, option.context, option.registry, option.edge, edge_ca=option.edge_ca
    )


def _read_decisions(config: pytest.Config, features: Sequence[specification.Feature]) -> None:
    """Read what people decided (waivers) and found (answers), and refuse what does not hold today."""
    mine, option = _Session.of(config), config.option
    folders: list[Path] = option.feature_folders
    mine.identities = Identities.of(features, _root(config), folders)
    today = datetime.now(UTC).date()

    def files(given: Path | None, name: str) -> tuple[Path, ...]:
        return (given,) if given is not None else default_files(name, _root(config), folders)

    mine.waivers = waivers.read_waivers(files(option.waivers, waivers.FILE), mine.identities, today)
    mine.answers = answers.read_answers(files(option.answers, answers.FILE), mine.identities, today)


def _read_baseline(config: pytest.Config) -> None:
    """Read the baseline, and refuse one that was set on another kind of target."""
    mine = _Session.of(config)
    if config.option.baseline is not None:
        mine.baseline = read_baseline(config.option.baseline)
        check_label(mine.baseline, mine.target.label if mine.target is not None else TruthLabel.EMBEDDED)


# Collection ----------------------------------------------------------------------------------------------------------


class FeatureFile(pytest.Module):
    """A feature file collected by itself, without a module that binds it."""

    def _getobj(self) -> ModuleType:
        module = ModuleType(slug(self.path.stem).replace("-", "_"))
        module.__file__ = str(self.path)
        folder = str(self.path.parent)
        for number, name in enumerate(get_feature(folder, self.path.name).scenarios, start=1):

            def nothing_beside_the_steps() -> None:
                """Stand for the scenario; its steps run before this."""

            binding = bind(self.path.name, name, features_base_dir=folder)
            setattr(module, f"test_{number:03d}_{slug(name).replace('-', '_')}", binding(nothing_beside_the_steps))
        return module


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the feature files of the folders given with --features."""
    folders: list[Path] = parent.config.option.feature_folders
    if file_path.suffix == ".feature" and any(file_path.is_relative_to(folder) for folder in folders):
        collected: pytest.Collector = FeatureFile.from_parent(parent, path=file_path)
        return collected
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put aside what persons answer, and leave out what proves none of the requirements asked for with --req."""
    items[:] = answered_by_persons(items)
    wanted = {_tag(identifier) for identifier in config.option.req}
    if not wanted:
        return
    left_out = [item for item in items if not any(mark.name in wanted for mark in item.iter_markers())]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember which scenarios were left out, so that the report can say so."""
    for item in items:
        if template_of(item) is not None:
            _Session.of(item.config).left_out.append(item)


# The run -------------------------------------------------------------------------------------------------------------


def _needs_target(item: pytest.Item) -> bool:
    """Whether *item* is a scenario that is run, or a test that asks for the fixture and not a parameter of its own."""
    if isinstance(item, ManualScenario):
        return False
    own = getattr(getattr(item, "callspec", None), "params", {})
    return template_of(item) is not None or ("target" in getattr(item, "fixturenames", ()) and "target" not in own)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Bring the target up if a scenario is going to run, and open the run directory; on bad input run nothing."""
    mine = _Session.of(session.config)
    scenarios = [item for item in session.items if template_of(item) is not None]
    needed = any(_needs_target(item) for item in session.items)
    if session.testsfailed or session.config.option.collectonly or not (needed or scenarios):
        return None
    doubled = _doubled_step(session)
    if doubled is not None:
        mine.refuse(doubled)
        return True
    try:
        if needed:
            # What a killed run left may be what keeps a cluster from coming up; what needs the cluster comes after it.
            _undo_leftovers(mine)
            mine.target = mine.target or _embedded(mine)
            left = _undo_leftovers(mine)
            if left:
                mine.refuse(f"Faults of an earlier run are left: {left}; see seatrial undo.", _NOT_PASSED)
                return True
    except UsageError as error:
        mine.refuse(str(error))
        return True
    except Exception as error:  # noqa: BLE001 (whatever broke, a person wants its sentence, not the plugin's trace)
        mine.refuse(f"The embedded cluster could not be brought up: {str(error) or type(error).__name__}", _NOT_PASSED)
        return True
    if scenarios:
        option = session.config.option
        runs = option.runs or _root(session.config) / "reports"
        retire(runs, option.keep_runs - 1)
        redactor = Redactor.for_run(os.environ, mine.target.kubeconfig if mine.target is not None else None)
        mine.recording = Recording.start(
            RunDirectory.create(runs, datetime.now(UTC)),
            mine.target or _NO_CLUSTER,
            scenarios,
            mine.left_out,
            _root(session.config),
            environment=_environment(session.config, mine.target),
            redactor=redactor,
            folders=option.feature_folders,
            waivers=mine.waivers,
            answers=mine.answers,
        )
        # They go first, so that the last clean-up of all is behind a scenario that it can count against.
        session.items.sort(key=lambda item: not isinstance(item, ManualScenario))
        mine.held.enter_context(listening(mine.recording))
        reporter = _reporter(session.config)
        if reporter is not None:
            # The tree takes the place of the lines that pytest prints per file.
            reporter.showfspath = False
            mine.printer = TreePrinter()
    return None


def _doubled_step(session: pytest.Session) -> str | None:
    """Say which sentence two functions of one place define: pytest-bdd would take the last one without a word."""
    manager = session._fixturemanager  # noqa: SLF001 (no public way leads to what is defined)
    names = [name for name in get_fixture_names(manager) if name.startswith(StepNamePrefix.step_def.value)]
    for node in {item.path.parent: item for item in session.items if template_of(item) is not None}.values():
        known: dict[tuple[str, str | None, str], Callable[..., object]] = {}
        for definition in (found for name in names for found in getfixturedefs(manager, name, node) or ()):
            context = step_function_context_registry[definition.func]
            first = known.setdefault((definition.baseid, context.type, context.parser.name), context.step_func)
            if first is not context.step_func:
                places = " and ".join(f"{one.__module__}.{one.__qualname__}" for one in (first, context.step_func))
                return f"The step {context.parser.name!r} is defined twice, in {places}: remove one of them."
    return None


def _environment(config: pytest.Config, target: Target | None) -> Mapping[str, str]:
    """Return what this run is made on and with, and the challenge that it answers, if one was given."""
    from seatrial.kube.facts import cluster_facts  # noqa: PLC0415 (as in cluster)

    challenge = {} if config.option.challenge is None else {"challenge": config.option.challenge}
    facts = cluster_facts(target) if target is not None else {}
    return {**describe_environment(_root(config), config.invocation_params.args), **facts, **challenge}


def _embedded(mine: _Session) -> Target:
    """Take the embedded cluster for this session, bring it up and return it."""
    from seatrial import cluster  # noqa: PLC0415 (a run against another cluster must not need this one's parts)

    option = mine.config.option
    with mine.uncaptured():
        mine.held.enter_context(cluster.lock(wait=not option.no_wait, say=mine.progress.say))
        mine.running = cluster.up(progress=mine.progress, install=not option.no_install)
    return target_of(mine.running)


def _undo_leftovers(mine: _Session) -> str:
    """Undo the faults that a run left behind whose reaper died too; return what could not be undone."""
    if not Journal().leases():
        return ""
    from seatrial.chaos.injection import sweep  # noqa: PLC0415 (as in cluster)

    swept = sweep()
    for name in swept.undone:
        mine.progress.say(f"Undone, as an earlier run had left it: {name}.")
    return "; ".join(swept.failures)


def _recording(item: pytest.Item) -> Recording | None:
    recording = _Session.of(item.config).recording
    return recording if recording is not None and recording.knows(item) else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Record and print a scenario once its clean-up is over: only then is its verdict final."""
    recording = _recording(item)
    if recording is None:
        return (yield)
    if isinstance(item, ManualScenario):
        closed = item.found = recording.pass_over(item)
        answer = yield
    else:
        recording.begin(item)
        answer = yield
        closed = recording.finish(item)
    if recording.lost is not None:
        item.session.shouldstop = f"the evidence cannot be written: {recording.lost}"
    printer = _Session.of(item.config).printer
    if printer is not None:
        _print(item.config, lambda console: printer.scenario(closed, console))
    return answer


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn how a phase of a scenario ended into a verdict, and collect evidence while it can still be had."""
    report = yield
    if isinstance(item, ManualScenario) and item.found is not None:
        report.user_properties += [("verdict", str(item.found.verdict)), ("scenario", item.name)]
        _Session.of(item.config).failed_beside |= report.failed and report.when != "call"
        return report
    recording = _recording(item)
    if recording is None:
        if call.excinfo is not None and isinstance(call.excinfo.value, Inconclusive):
            report.user_properties.append(("verdict", str(Verdict.INCONCLUSIVE)))
        _Session.of(item.config).failed_beside |= report.failed
        return report
    error = call.excinfo.value if call.excinfo is not None else None
    if error is None and not report.passed:
        error = AssertionError(f"pytest counts it as {report.outcome}: {report.longreprtext or 'it does not say why'}")
    if hasattr(report, "wasxfail"):
        error = AssertionError(f"expected to fail: {report.wasxfail}")
    collect = _Session.of(item.config).observed.collect
    verdict = recording.phase(item, report.when or "call", error, report.longreprtext, collect)
    report.user_properties.append(("verdict", str(verdict)))
    report.user_properties.append(("scenario", item.name))
    return report


def pytest_report_teststatus(report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
    """Name inconclusive tests as such; count scenarios once, when their verdict is final: the tree shows them."""
    said = dict(getattr(report, "user_properties", ()))
    if report.when == "collect" or "verdict" not in said:
        return None
    if "scenario" in said:
        return (said["verdict"], "", "") if report.when == "teardown" else ("", "", "")
    return ("inconclusive", "I", "INCONCLUSIVE")


def pytest_bdd_before_scenario(request: pytest.FixtureRequest, scenario: Scenario) -> None:
    """Note the steps to come."""
    if (recording := _recording(request.node)) is not None:
        recording.begin_steps(request.node, scenario)


def pytest_bdd_before_step(request: pytest.FixtureRequest, scenario: Scenario, step: Step) -> None:
    """Note that a step begins."""
    if (recording := _recording(request.node)) is not None:
        recording.begin_step(request.node, scenario, step)


def pytest_bdd_before_step_call(step: Step, step_func: Callable[..., object]) -> None:
    """Refuse a step that nobody would wait for: called as a function, it does nothing and seems to pass."""
    if inspect.iscoroutinefunction(step_func) or inspect.isasyncgenfunction(step_func):
        raise TypeError(f"the step {step.name!r} is asynchronous, and nothing awaits it: write it as a plain function")


def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    """Note that a step passed; one that measured what misses its objective has not, though it raised nothing."""
    if (recording := _recording(request.node)) is not None:
        missed = recording.missed(request.node)
        error = AssertionError(f"an objective was missed: {missed}") if missed is not None else None
        recording.end_step(request.node, error)
        if error is not None:
            raise error


def pytest_bdd_step_error(request: pytest.FixtureRequest, exception: BaseException) -> None:
    """Note that a step did not pass."""
    if (recording := _recording(request.node)) is not None:
        recording.end_step(request.node, exception)


def pytest_bdd_step_func_lookup_error(request: pytest.FixtureRequest, scenario: Scenario, step: Step) -> None:
    """Note that nothing says how a step is done."""
    if (recording := _recording(request.node)) is not None:
        recording.undefined_step(request.node, scenario, step)


# The end -------------------------------------------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Close the record once all clean-up is over, and choose the exit code."""
    mine = _Session.of(session.config)
    if mine.recording is not None:
        # What was broken off says nothing about whether all is as good as it was.
        broken_off = mine.order.ending or exitstatus == pytest.ExitCode.INTERRUPTED
        mine.ended = mine.recording.end(None if broken_off else mine.baseline, mine.identities or ())
        # A summary that cannot be added is no reason to end in another way: the run directory has it too.
        with suppress(OSError):
            add_step_summary((mine.recording.directory.path / FORMATS["markdown"].file).read_bytes())
        _bundle(mine, mine.recording.directory.path)
        reporter = _reporter(session.config)
        if reporter is not None and all(template_of(item) is not None for item in session.items):
            # The tree has said why, and the evidence holds the traces.
            session.config.option.tbstyle = "no"
            reporter.reportchars = ""
    session.exitstatus = _exit_code(mine, exitstatus, session)


def _bundle(mine: _Session, directory: Path) -> None:
    if mine.signer is not None:
        try:
            mine.bundle = make_bundle(directory, mine.signer)
        except UsageError as error:
            mine.unbundled = str(error)


def _exit_code(mine: _Session, status: int, session: pytest.Session) -> int:
    if mine.order.ending:
        return _INTERRUPTED
    if status == pytest.ExitCode.NO_TESTS_COLLECTED and mine.refused is None:
        mine.refuse(f"Nothing was selected ({_selection(session.config)}): choose something that exists.")
    if mine.refused is not None:
        return mine.refused
    if status == pytest.ExitCode.USAGE_ERROR:
        return _BAD_INPUT
    if status == pytest.ExitCode.INTERNAL_ERROR:
        return _NOT_PASSED
    if mine.ended is None:
        return int(status)
    lost = mine.recording is not None and mine.recording.lost is not None
    broken_off = status == pytest.ExitCode.INTERRUPTED or mine.unbundled is not None
    return 0 if mine.ended.ends_well and not (mine.failed_beside or broken_off or lost) else _NOT_PASSED


def _selection(config: pytest.Config) -> str:
    option = config.option
    chosen = [f"--req {identifier}" for identifier in option.req]
    chosen += [f"{flag} {value!r}" for flag, value in (("-m", option.markexpr), ("-k", option.keyword)) if value]
    return ", ".join(chosen) or "in " + ", ".join(config.args)


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Print one line per requirement, the counts, and where the evidence is."""
    mine = _Session.of(config)
    if mine.ended is None or mine.recording is None:
        return
    ended, folder, lost = mine.ended, mine.recording.directory.path, mine.recording.lost

    def summary(console: Console) -> None:
        print_summary(ended, console)
        console.print(f"Evidence in {folder}", soft_wrap=True)
        if mine.bundle is not None:
            console.print(f"Signed bundle {mine.bundle}", soft_wrap=True)
        if mine.unbundled is not None:
            console.print(f"No bundle was made: {mine.unbundled}", soft_wrap=True)
        if lost is not None:
            console.print(f"The evidence is not complete: {lost}; free some space and run again.", soft_wrap=True)

    _print(config, summary)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the embedded cluster."""
    _Session.of(config).held.close()


def _reporter(config: pytest.Config) -> TerminalReporter | None:
    reporter: TerminalReporter | None = config.pluginmanager.getplugin("terminalreporter")
    return reporter


def _print(config: pytest.Config, render: Callable[[Console], None]) -> None:
    """Print through pytest's own writer what *render* draws."""
    reporter = _reporter(config)
    if reporter is None:
        return
    writer = config.get_terminal_writer()
    encoding = getattr(sys.__stdout__, "encoding", None) or "ascii"
    page = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", write_through=True)
    render(Console(file=page, force_terminal=writer.hasmarkup, highlight=False, width=max(writer.fullwidth, 80)))
    page.seek(0)
    reporter.ensure_newline()
    writer.write(page.read(), flush=True)


# Fixtures ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Target:
    """The cluster under test."""
    found = _Session.of(pytestconfig).target
    if found is None:
        raise LookupError("the target is chosen when the run begins, and this one has not begun")
    return found


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config, target: Target) -> Iterator[Cluster]:
    """A connection to the cluster under test, freed of what a killed run left in it."""
    from seatrial.kube import Cluster  # noqa: PLC0415 (it takes a while to import, and tests without a cluster need none)

    connected = Cluster.connect(target)
    if _Session.of(pytestconfig).running is not None:
        # This session holds the embedded cluster for itself; by a kubeconfig, another run may be at work beside it.
        connected.restore()
    yield connected
    connected.close()


@pytest.fixture(scope="session")
def embedded(pytestconfig: pytest.Config) -> RunningCluster:
    """The embedded cluster, with nodes that can be powered off; inconclusive on another target."""
    running = _Session.of(pytestconfig).running
    if running is None:
        raise Inconclusive(
            "needs the embedded cluster: nodes of another target cannot be powered off or looked into", Missing.ABILITY
        )
    return running


@pytest.fixture(scope="session")
def real_account(pytestconfig: pytest.Config) -> RealAccount | None:
    """What was said about a real account; None where the platform is built on an emulator."""
    return _Session.of(pytestconfig).real_account


@pytest.fixture(scope="session")
def progress(pytestconfig: pytest.Config) -> Progress:
    """Where long work says how far it is."""
    return _Session.of(pytestconfig).progress


@pytest.fixture(scope="session")
def observed(pytestconfig: pytest.Config) -> ObservedNamespaces:
    """The namespaces that are written down when a scenario does not pass."""
    return _Session.of(pytestconfig).observed


@pytest.fixture
def scenario_namespace(
    request: pytest.FixtureRequest, cluster: Cluster, observed: ObservedNamespaces
) -> Iterator[Namespace]:
    """A namespace for this scenario alone, gone after it; with --keep it stays until the next run."""
    from seatrial.kube.namespace import SCENARIO_LABEL, Namespace  # noqa: PLC0415 (as in cluster)

    purpose = slug(request.node.name.removeprefix("test_"), longest=30)
    if request.config.option.keep:
        name = f"{purpose}-{secrets.token_hex(3)}"
        kept = Namespace.create(cluster.api, name, labels={SCENARIO_LABEL: purpose})
        with observed.during(kept):
            yield kept
    else:
        with Namespace.passing(cluster.api, purpose) as made, observed.during(made):
            yield made
