"""Whether an answer shows the defect that a finding describes."""

from __future__ import annotations

from harness.model.finding import Symptom
from harness.probes.http.answers import Answer


def shows(symptom: Symptom, answer: Answer) -> bool:
    """Whether every member of the symptom that is set holds for the answer; a symptom without members never shows."""
    checks = (
        (bool(symptom.status), answer.status in symptom.status),
        (bool(symptom.header_absent), not answer.header(symptom.header_absent)),
        (
            bool(symptom.header),
            symptom.header_value.lower() in answer.header(symptom.header).lower() and bool(answer.header(symptom.header)),
        ),
        (bool(symptom.body_contains), symptom.body_contains in answer.text),
        (bool(symptom.answer_contains), _holds(answer, symptom.answer_contains)),
        (bool(symptom.body_lacks), symptom.body_lacks not in answer.text),
        (symptom.elapsed_s_min > 0, answer.elapsed_s >= symptom.elapsed_s_min),
        (symptom.server_error, answer.status >= 500 or answer.status == 0),
    )
    asked = [holds for is_set, holds in checks if is_set]
    return bool(asked) and all(asked)


def _holds(answer: Answer, text: str) -> bool:
    heads = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    return text in answer.text or text.lower() in heads.lower()
