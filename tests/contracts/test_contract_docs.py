"""The page about the contracts says what their comments say."""

from setup.contract_docs import PAGE, page


def test_the_page_is_what_is_generated_from_the_contracts():
    assert PAGE.read_text() == page(), "write it anew: make docs"


def test_everything_on_the_page_is_explained():
    lines = page().splitlines()

    assert [line for line in lines if line.startswith("**`") and line.endswith("– ")] == []
