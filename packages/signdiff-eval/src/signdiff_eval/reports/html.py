"""A comparison as one HTML file, with everything in it: no script, no address, no library."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_eval import __version__
from signdiff_eval.atomic import replacing
from signdiff_eval.functional import align
from signdiff_eval.metrics.text import TextMetric
from signdiff_eval.provenance import marks_warning
from signdiff_eval.readers import PoseFormats
from signdiff_eval.reports.compare import CONTROLS, Comparison, derivation, per_sequence
from signdiff_eval.reports.svg import Shown, alignment, distribution, strips
from signdiff_eval.reports.tables import too_few, tried
from signdiff_eval.scoring.poses import partners

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1040px;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}
th[scope],th:first-child,th:nth-child(2){text-align:left}
td{font-size:13px}
svg{max-width:100%;height:auto}
code{font-size:12px;overflow-wrap:anywhere}
p,figcaption{overflow-wrap:anywhere}
figure{margin:1rem 0}figcaption{color:#444}
.pair{display:flex;flex-wrap:wrap;gap:1rem;align-items:center}
@media (max-width:760px){
body{margin:1rem auto}
thead{display:none}
table,tbody,tr,th,td{display:block;white-space:normal}
tbody{margin:0 0 1.5rem}
tr{padding:.3rem 0;border-bottom:1px solid #ddd}
th,td{padding:.05rem 0;border:0}
th[scope=row]{overflow-wrap:anywhere}
td{display:flex;justify-content:space-between}
td:empty{display:none}
td::before{content:attr(data-label);color:#444}
}
"""


def write_html(comparison: Comparison, path: Path, *, examples: int = 2, formats: PoseFormats | None = None) -> None:
    """Write a report; so many of the worst and of the best sequences of each system are drawn as examples."""
    page = "\n".join(_page(comparison, examples, formats))
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _page(comparison: Comparison, examples: int, formats: PoseFormats | None) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>signdiff-eval: {escape(', '.join(comparison.reports))}</title><style>{_STYLE}</style></head><body>"
    report = comparison.reports[comparison.baseline]
    yield f"<h1>Comparison of {len(comparison.reports)} systems</h1>"
    yield f"<p>{report.pairs} clips. Differences are from <b>{escape(comparison.baseline)}</b>; tests: "
    yield f"paired bootstrap of {comparison.settings['samples']} samples, approximate randomisation of "
    yield f"{comparison.settings['trials']} trials{tried(comparison)}, seed {comparison.settings['seed']}. "
    yield "The ceiling is the same score on the references themselves.</p>"
    for warning in (too_few(comparison), marks_warning(comparison.marked)):
        if warning:
            yield f"<p><strong>{escape(warning)}.</strong></p>"
    yield from _table(comparison)
    for key, reason in comparison.unscored:
        yield f"<p>{escape(key)}: not scored: {escape(reason)}</p>"
    yield "<h2>Distributions</h2><p>A dot is a sequence, the bar the score, the box its 95% interval, the dashed line "
    yield "the ideal.</p>"
    for key in comparison.keys:
        intervals = {
            name: comparison.intervals[name, key] for name in comparison.reports if (name, key) in comparison.intervals
        }
        if len(intervals) < len(comparison.reports):
            continue
        values = {name: per_sequence(one.metric(key)) for name, one in comparison.reports.items()}
        scores = {name: one.score(key).value for name, one in comparison.reports.items()}
        plot = distribution(values, scores, intervals, report.score(key).ideal)
        yield f"<figure><figcaption>{escape(key)}</figcaption>{plot}</figure>"
    yield from _examples(comparison, examples, formats)
    yield "<h2>Signatures</h2><ul>"
    for score in report.scores:
        yield f"<li><code>{escape(str(score.signature))}</code></li>"
    yield f"</ul><p>signdiff-eval {__version__}</p></body></html>\n"


def _table(comparison: Comparison) -> Iterator[str]:
    heads = ("metric", "system", "score", "95% interval", "difference", "p bootstrap", "p randomisation")
    yield f"<table><thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead>"
    for key in comparison.keys:
        first = comparison.reports[comparison.baseline].score(key)
        head = f"<th scope='rowgroup' rowspan='{len(comparison.reports)}'>{escape(key)}<br>"
        head += f"<small>ideal {first.ideal:g}, ceiling {first.ceiling:.4f}</small></th>"
        yield "<tbody>"
        for name, report in comparison.reports.items():
            interval, difference = comparison.intervals.get((name, key)), comparison.differences.get((name, key))
            beside = ["baseline" if name == comparison.baseline else "", "", ""]
            if difference is not None:
                p_values = (difference.p_bootstrap, difference.p_randomization)
                beside = [f"{difference.value:+.4f}", *(f"{p_value:.4f}" for p_value in p_values)]
            written = "" if interval is None else f"[{interval.low:.4f}, {interval.high:.4f}]"
            cells = (f"{report.score(key).value:.4f}", written, *beside)
            row = "".join(
                f'<td data-label="{label}">{escape(cell)}</td>' for label, cell in zip(heads[2:], cells, strict=True)
            )
            yield f"<tr>{head}<th scope='row'>{escape(name)}</th>{row}</tr>"
            head = ""
        yield "</tbody>"
    yield "</table>"


def _examples(comparison: Comparison, count: int, formats: PoseFormats | None) -> Iterator[str]:
    report = comparison.reports[comparison.baseline]
    moved = [key for key in comparison.keys if not isinstance(report.metric(key), TextMetric)]
    if comparison.kind != "poses" or not moved:
        return
    key = moved[0]
    yield f"<h2>Worst and best sequences by {escape(key)}</h2><p>Reference above, hypothesis below, at moments that "
    yield "dynamic time warping aligns; beside them the cost of pairing frames, dark where it is small, and "
    yield "the path.</p>"
    for name, report in comparison.reports.items():
        if name in CONTROLS:
            continue
        metric = report.metric(key)
        away = np.abs(np.array(per_sequence(metric)) - metric.ideal)
        order = [int(index) for index in np.argsort(-np.nan_to_num(away, nan=-1.0), kind="stable")]
        best = [index for index in reversed(order) if index not in order[:count]]
        for title, chosen in (("worst", order[:count]), ("best", best[:count])):
            for index in chosen:
                shown = show(comparison, name, index, formats)
                caption = f"{name}, {title}: {report.names[index]}, {key} {per_sequence(metric)[index]:.4f}"
                if report.texts:
                    caption += f", read as “{report.texts[index][0]}” (“{report.texts[index][2]}”)"
                yield f"<figure><figcaption>{escape(caption)}</figcaption><div class='pair'>{strips(shown)}"
                yield f"{alignment(shown, side=220)}</div></figure>"


MAX_FRAMES = 400
"""Longer sequences are shown with fewer frames."""


def show(comparison: Comparison, system: str, index: int, formats: PoseFormats | None = None) -> Shown:
    """Read a sequence again, by its index in the report's ``names``."""
    from scipy.spatial.distance import cdist

    formats = formats or PoseFormats()
    seen = 0
    for pair in comparison.pairs[system]:
        references = formats.read(pair.reference)
        if index >= seen + len(references):
            seen += len(references)
            continue
        hypotheses = formats.read(pair.hypothesis)
        hypotheses = derivation(system)(hypotheses) if system in CONTROLS else partners(pair, hypotheses, references)
        reference = references[index - seen]
        hypothesis = hypotheses[index - seen].resampled(reference.fps)
        made, true = (np.nan_to_num(_thinned(sequence.joints)) for sequence in (hypothesis, reference))
        costs = cdist(true.reshape(len(true), -1), made.reshape(len(made), -1))
        return Shown(made, true, reference.limbs, costs, align(costs)[1])
    raise IndexError(f"index must be one of {seen} sequences, but is {index}.")


def _thinned(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    return joints[:: -(-len(joints) // MAX_FRAMES)]
