"""Texts that would do harm where somebody forgot to escape, and a run that has one of them in every place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.audit import (
    Answer,
    ArtefactRecord,
    BaselineComparison,
    CommandRecord,
    FeatureRecord,
    JudgementRecord,
    RunRecord,
    ScenarioRecord,
    StepRecord,
    Waiver,
)
from seatrial.requirements import Register, Requirement
from seatrial.truth import TruthLabel
from seatrial.verdict import Verdict
from suites.unit.evidence.samples import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

_CALL = "alert(1)"
_ADDRESS = "https://evil.example/x"
PAYLOADS: tuple[str, ...] = (
    # Tags.
    f"<script>{_CALL}</script>",
    f"</script><script>{_CALL}</script>",
    f"<ScRiPt >{_CALL}</sCrIpT>",
    f"<script src={_ADDRESS}></script>",
    f"<script src='{_ADDRESS}'></script>",
    f"<script/src=data:text/javascript,{_CALL}></script>",
    f"<<script>{_CALL}//<</script>",
    f"<script\n>{_CALL}</script\n>",
    f"<script\x00>{_CALL}</script>",
    f"<img src=x onerror={_CALL}>",
    f'<img src="x" onerror="{_CALL}">',
    f"<img src={_ADDRESS}>",
    f"<img srcset={_ADDRESS}>",
    f"<image href={_ADDRESS}>",
    f"<body onload={_CALL}>",
    f"<iframe src=javascript:{_CALL}></iframe>",
    f"<iframe srcdoc='<script>{_CALL}</script>'></iframe>",
    f"<object data=javascript:{_CALL}></object>",
    f"<embed src={_ADDRESS}>",
    f"<link rel=stylesheet href={_ADDRESS}>",
    f"<link rel=prefetch href={_ADDRESS}>",
    f"<meta http-equiv=refresh content='0;url={_ADDRESS}'>",
    '<meta http-equiv=Content-Security-Policy content="default-src *">',
    f"<base href={_ADDRESS}>",
    f"<form action={_ADDRESS}><input type=submit autofocus></form>",
    f"<input autofocus onfocus={_CALL}>",
    f"<button formaction=javascript:{_CALL}>go</button>",
    f"<details open ontoggle={_CALL}>",
    f"<video src={_ADDRESS} onerror={_CALL}></video>",
    f"<audio src={_ADDRESS}>",
    f"<video><source onerror={_CALL}></video>",
    f"<marquee onstart={_CALL}>",
    f"<template><script>{_CALL}</script></template>",
    "<plaintext>",
    "<textarea>",
    "<title>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<xmp>",
    f"<dialog open onclose={_CALL}><form method=dialog>",
    f"<a href=javascript:{_CALL}>x</a>",
    f"<a ping={_ADDRESS} href=#>x</a>",
    # Out of an attribute, an element or a comment.
    f'"><script>{_CALL}</script>',
    f"'><script>{_CALL}</script>",
    f'" onmouseover="{_CALL}',
    f"' onmouseover='{_CALL}",
    f'" autofocus onfocus="{_CALL}" x="',
    f"` onclick={_CALL} `",
    f'"><img src=x onerror={_CALL}><"',
    "--><script>alert(1)</script><!--",
    "<!--",
    "-->",
    "]]><script>alert(1)</script><![CDATA[",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "</title><script>alert(1)</script>",
    f"</style><script>{_CALL}</script>",
    "</textarea></xmp></noscript></template><script>alert(1)</script>",
    "</main></body></html><script>alert(1)</script>",
    "</p></li></ol></section>",
    "</svg><script>alert(1)</script>",
    # Style.
    f"<style>*{{background:url({_ADDRESS})}}</style>",
    f"<style>@import '{_ADDRESS}';</style>",
    "<p style='position:fixed;inset:0;background:red'>",
    f"x:expression({_CALL})",
    "}*{display:none}/*",
    # SVG and MathML.
    f"<svg onload={_CALL}>",
    f"<svg><script>{_CALL}</script></svg>",
    f"<svg><animate onbegin={_CALL} attributeName=x dur=1s>",
    f"<svg><a xlink:href=javascript:{_CALL}><text y=20>x</text></a></svg>",
    f"<svg><use href={_ADDRESS}#x></use></svg>",
    f"<svg><foreignObject><iframe src=javascript:{_CALL}></foreignObject></svg>",
    f"<svg><style><img src=x onerror={_CALL}></style></svg>",
    f"<math><mtext></p><img src=x onerror={_CALL}></math>",
    # Addresses.
    f"javascript:{_CALL}",
    f"JaVaScRiPt:{_CALL}",
    f"java\tscript:{_CALL}",
    f" \x01javascript:{_CALL}",
    f"data:text/html,<script>{_CALL}</script>",
    f"vbscript:{_CALL}",
    _ADDRESS,
    "//evil.example/x",
    "file:///etc/passwd",
    "../../../../etc/passwd",
    "..\\..\\windows",
    "x?y=1#z&amp;copy=2",
    # Templates and formats.
    "{{ 7 * 7 }}{{ self.__init__.__globals__ }}",
    "{% for x in range(9) %}{{ x }}{% endfor %}{# gone #}",
    "${7*7} #{7*7} <%= 7*7 %> %s %n {0}",
    "&lt;script&gt;alert(1)&lt;/script&gt;&#60;b&#62;",
    "[x](javascript:alert(1)) ![y](https://evil.example/x) | a | b |\n# head",
    "=cmd|' /C calc'!A0",
    # Signs that are not what they seem, or too many of them.
    "\u202ereversed\u202c and \u2066isolated\u2069",
    "zero\u200bwidth\u200d\ufeff\u00ad",
    "Z\u0338\u0335\u0321\u0353\u0301" * 40,
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "null\x00and\x08\x0b\x0c\x7f\x85\u2028\u2029 more",
    "half a pair \ud800 and \udcff",
    "\ufffe\uffff\U000e0041\U0010ffff",
    "W" * 5000,
)


def run_of(texts: Sequence[str]) -> RunRecord:
    """Return a run with a requirement and a scenario for each of *texts*, which stands wherever a text can stand."""
    register = Register(tuple(Requirement(f"{n}.{text}", text, text, text) for n, text in enumerate(texts)))
    made = [_scenario(n, text) for n, text in enumerate(texts)]
    first = texts[0]
    return RunRecord(
        id=first,
        target=first,
        label=TruthLabel.EMBEDDED,
        started=NOW,
        ended=NOW + timedelta(seconds=99),
        scenarios=tuple(scenario for scenario, _ in made),
        register=register,
        environment={f"{n} {text}": text for n, text in enumerate(texts)} | {"project commit": first},
        artefacts=tuple(_artefact(text) for text in texts),
        commands=tuple(_command(text) for text in texts),
        comparison=BaselineComparison(first, first, tuple(texts), tuple(texts), tuple(texts)),
        features=tuple(feature for _, feature in made),
    )


def _scenario(number: int, text: str) -> tuple[ScenarioRecord, FeatureRecord]:
    verdicts = [Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.PASSED]
    verdict = verdicts[number % len(verdicts)]
    step = StepRecord(
        keyword=text,
        text=text,
        line=5,
        verdict=verdict,
        duration=timedelta(seconds=7),
        started=NOW,
        judgements=(JudgementRecord(text, 0.99, 1.0, 0.5, 9, met=True, record=f"scenarios/{text}"),),
        commands=(_command(text),),
    )
    file = f"{number} {text}"
    scenario = ScenarioRecord(
        feature=f"{number} {text}",
        file=file,
        rule=text,
        name=text,
        line=4,
        test=text,
        tags=(text,),
        requirements=(f"{number}.{text}", f"unknown {text}"),
        selected=True,
        verdict=verdict,
        reason=None if verdict is Verdict.PASSED else f"{text}\n{text}",
        started=NOW,
        duration=timedelta(seconds=9),
        steps=(step, replace(step, line=6)),
        artefacts=(_artefact(text), replace(_artefact(text), title="what went wrong")),
        waiver=Waiver(text, text, text) if verdict is Verdict.FAILED else None,
        answer=Answer(verdict, text, text, text, text, f"documents/{text}") if verdict is Verdict.PASSED else None,
    )
    flat = " ".join(text.split()) or "-"
    lines = ("Feature: F", f"said {flat}", "Rule: R", "Scenario: S", f"Given {flat}", '"""', "x", '"""', "")
    return scenario, FeatureRecord(file, "\n".join(lines))


def _artefact(text: str) -> ArtefactRecord:
    return ArtefactRecord(f"documents/{text}", text, 7, text)


def _command(text: str) -> CommandRecord:
    return CommandRecord((text, text), 3, NOW, timedelta(seconds=1))
