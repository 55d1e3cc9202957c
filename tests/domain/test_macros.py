"""
A ready answer holds the values as they are, or its own words for what is not known, and never a placeholder.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.macros import (
    ALWAYS_KNOWN,
    FALLBACK,
    PLACEHOLDERS,
    Filled,
    faults,
    filled,
    joined,
    language_of,
    placeholders,
)
from chalicelib.domain.storefront import Macro

KNOWN = {
    "greeting": "Hello Eva,",
    "customer_name": "Eva",
    "order_reference": "A-17",
    "reference": "CL-7K3F9-Q2MXR",
}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello {customer_name|there},", "Hello Eva,"),
        ("{greeting|Hello,}\n\nYour order {order_reference|}.", "Hello Eva,\n\nYour order A-17."),
        ("{reference}{reference}", "CL-7K3F9-Q2MXRCL-7K3F9-Q2MXR"),
        ("No placeholder", "No placeholder"),
        ("", ""),
    ],
)
def test_what_is_known_stands_in_the_text(text, said):
    assert filled(text, KNOWN) == Filled(said, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello {customer_name|there},", "Hello there,"),
        # nothing to say: the comma and the blank before it go as well
        ("Hello, {customer_name|}!", "Hello!"),
        ("Hello {customer_name|},", "Hello,"),
        ("{customer_name|} is here", " is here"),
        ("A,  {customer_name|}", "A, "),
        ("Hello {customer_name|you | over there}", "Hello you | over there"),
        ("Hello {customer_name}", "Hello"),
    ],
)
def test_what_is_not_known_falls_back(text, said):
    assert filled(text, {}) == Filled(said, ("customer_name",))
    assert filled(text, {"customer_name": " \t"}) == Filled(said, ("customer_name",))


def test_what_is_missing_is_named_once_in_the_order_of_the_text():
    text = "{telephone|us} {subject|it} {reference} {telephone|us}"
    assert filled(text, KNOWN).missing == ("telephone", "subject")


def test_a_greeting_that_calls_nobody_by_name_says_so():
    nameless = {"greeting": "Hello,", "customer_name": ""}
    assert filled("{greeting|Dear all,}", nameless) == Filled("Hello,", ("customer_name",))
    assert filled("{greeting|Dear all,}", {}) == Filled("Dear all,", ("greeting", "customer_name"))
    assert filled("{greeting|Hello,} {customer_name|you}", nameless).missing == ("customer_name",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{colour|blue}", "holds {colour}, which is no placeholder"),
        ("{ reference }", "holds { reference }, which is no placeholder"),
        ("{}", "holds {}, which is no placeholder"),
        ("{reference.__class__}", "holds {reference.__class__}, which is no placeholder"),
        ("{reference!r}", "which is no placeholder"),
        ("{customer_name}", "must say what stands for {customer_name} when it is not known"),
        ("{{customer_name|you}}", "holds a brace that belongs to no placeholder"),
        ("{{ 7 * 7 }}", "which is no placeholder"),
        ("{% for x in y %}", "which is no placeholder"),
        ("a } b", "holds a brace that belongs to no placeholder"),
        ("{customer_name|{agent_name|us}}", "holds a brace that belongs to no placeholder"),
    ],
)
def test_a_text_that_cannot_be_a_macros_is_told_why(text, reason):
    assert reason in "; ".join(faults(text))


def test_each_fault_of_a_text_is_named():
    assert len(list(faults("{colour|} {customer_name} {"))) == 3


words = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]))
good = st.lists(
    st.one_of(
        words,
        st.sampled_from(sorted(ALWAYS_KNOWN)).map("{{{}}}".format),
        st.builds("{{{}|{}}}".format, st.sampled_from(PLACEHOLDERS), words),
    )
).map("".join)
anything = st.text(st.one_of(st.sampled_from("{}| ,_%\\1\n"), st.characters()))
names = st.one_of(anything, good, st.sampled_from(["{reference}", "{agent_name|x}", "\\g<name>", "{0.__class__}"]))
values = st.dictionaries(st.sampled_from(PLACEHOLDERS), names)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first time, a table of all characters is made
@given(good, values)
def test_a_good_text_shows_values_as_they_are_and_nothing_of_its_placeholders(text, known):
    assert list(faults(text)) == []
    marks = {name: f"\x00{place}\x01" for place, name in enumerate(PLACEHOLDERS) if known.get(name, "").strip()}
    marked = filled(text, marks)
    assert not {"{", "}"} & set(marked.text)
    shown = filled(text, known)
    assert shown.missing == marked.missing
    expected = marked.text
    parts = []
    while expected:  # each mark gives way to its value, once
        found = min(((expected.find(m), n, m) for n, m in marks.items() if m in expected), default=None)
        at, name, mark = found or (len(expected), None, "")
        parts += [expected[:at], known[name] if name else ""]
        expected = expected[at + len(mark) :]
    assert shown.text == "".join(parts)


@given(anything, values)
def test_whatever_is_put_in_a_text_comes_out(text, known):
    shown = filled(text, known)
    assert isinstance(shown.text, str)
    assert all(isinstance(reason, str) for reason in faults(text))
    refused = list(faults(text))
    if not refused:
        assert not {"{", "}"} & set(filled(text, {}).text)
    assert set(shown.missing) <= placeholders(text) | {"customer_name"}


@given(st.sampled_from(PLACEHOLDERS), names.filter(str.strip))
def test_no_value_is_read_for_placeholders(name, value):
    assert filled(f"<{{{name}|?}}>", {"customer_name": "Eva", name: value}) == Filled(f"<{value}>", ())


# Which macros a storefront has


SHIPPED = {"late": Macro({"en": "Late."}, "It is late", "HEARD"), "paid": Macro({"en": "Paid."}, "It is paid", "FAB")}


def test_a_storefronts_own_macro_takes_the_place_of_the_shipped_one_and_keeps_its_title():
    own = {"late": Macro({"es": "Tarde."})}
    got = joined(SHIPPED, own)
    assert list(got) == ["late", "paid"]
    assert got["late"] == Macro({"es": "Tarde."}, "It is late", "HEARD")


def test_a_macro_is_added_and_one_is_taken_away():
    got = joined(SHIPPED, {"late": None, "gift-card": Macro({"en": "Gift."}), "never-was": None})
    assert got == {"paid": SHIPPED["paid"], "gift-card": Macro({"en": "Gift."}, "Gift card")}


def test_an_own_title_and_technique_count():
    got = joined(SHIPPED, {"paid": Macro({"en": "Paid."}, "Mine", "FAB, our way")})
    assert (got["paid"].title, got["paid"].technique) == ("Mine", "FAB, our way")


@pytest.mark.parametrize(
    ("spoken", "wanted", "chosen"),
    [
        ("en es", ("es", "de"), "es"),
        ("en es", ("fr", "es"), "es"),
        ("en es", ("fr", "de"), FALLBACK),
        ("es", ("fr", "de"), "es"),
        ("en es", ("", "es"), "es"),
    ],
)
def test_the_first_language_that_a_macro_has_is_spoken(spoken, wanted, chosen):
    assert language_of(Macro(dict.fromkeys(spoken.split(), "x")), *wanted) == chosen
