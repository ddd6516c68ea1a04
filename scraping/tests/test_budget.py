from scraping.budget import Budget


def test_pages_that_were_read_and_those_on_their_way_count() -> None:
    budget = Budget(max_pages=3, max_bytes=100, pages=1)
    budget.asks_page(1, 1)
    assert budget.may_ask_page()
    budget.asks_page(2, 1)
    assert not budget.may_ask_page()
    budget.is_answered(1, 1, was_page=True)
    assert not budget.may_ask_page()
    assert budget.pages == 2


def test_a_page_that_moved_counts_once() -> None:
    budget = Budget(max_pages=1, max_bytes=100)
    budget.asks_page(1, 1)
    budget.waits_again(1, 1)
    assert budget.may_ask_page()
    budget.asks_page(1, 1)
    budget.is_answered(1, 1, was_page=True)
    assert budget.pages == 1


def test_bytes_of_earlier_attempts_count() -> None:
    budget = Budget(max_pages=1, max_bytes=100, bytes=60)
    assert budget.receives(39)
    assert not budget.receives(1)


def test_a_sitemap_is_no_page() -> None:
    budget = Budget(max_pages=1, max_bytes=100)
    budget.asks_page(1, 1)
    assert not budget.may_ask_page()
    budget.is_answered(1, 1, was_page=False)
    assert budget.may_ask_page()
