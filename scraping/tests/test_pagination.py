import pytest

from scraping.extract import extract
from scraping.pagination import MOST_NEXT

PAGE = "https://example.org/list"


def next_pages(html: str, url: str = PAGE) -> list[str]:
    return [found.removeprefix("https://example.org") for found in extract(html, url).next_pages]


@pytest.mark.parametrize(
    "html",
    [
        '<head><link rel="next" href="/list?page=2"></head>',
        '<a rel="nofollow NEXT" href="/list?page=2">weiter</a>',
        '<a href="/list?page=2">Next</a>',
        '<a href="/list?page=2">Next page »</a>',
        '<a href="/list?page=2"><span>Older posts</span> →</a>',
        '<a href="/list?page=2" aria-label="Next page"><svg></svg></a>',
        '<a href="/list?page=2" title="nächste Seite"><img src="arrow.svg"></a>',
        '<ul class="pagination"><li><a href="/list?page=2">›</a></li></ul>',
        '<a href="/list?page=2">下一页</a>',
        '<a href="/list?page=2">2</a>',
        '<a href="/list?page=2"><img src="next.gif" alt="Next"></a>',
        '<a id="next" href="/list?page=2">→</a>',
        '<nav><a class="pager__next" href="/list?page=2"><svg></svg></a></nav>',
    ],
)
def test_what_leads_to_the_next_page_is_found(html):
    assert next_pages(html) == ["/list?page=2"]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="/boats">Next to the sea</a>',
        '<a href="/boats">»</a>',
        '<a href="/boats">2</a>',
        '<a href="/boats?year=1999">1999</a>',
        '<a href="javascript:next()">Next</a>',
        '<a href="/list">Next</a>',
        '<a href="#top">Next</a>',
        f'<a href="/boats">{"next " * 100}</a>',
        '<link rel="prev" href="/list?page=2">',
        '<a class="next" href="/boats">The boats of our neighbours</a>',
        '<a class="next" href="/boats"><img src="boat.jpg" alt="A boat"></a>',
        f'<a class="next" href="/boats">{"boats " * 100}</a>',
        '<a class="nextdoor" href="/boats"></a>',
    ],
)
def test_other_links_are_left_out(html):
    assert next_pages(html) == []


@pytest.mark.parametrize(
    "address",
    ["/list?page={}", "/list/page/{}/", "/list?a=b&p={}", "/list-page-{}.html", "/list/p{}"],
)
def test_numbers_on_links_are_pages_where_the_address_says_so(address):
    html = "".join(f'<a href="{address.format(n)}">{n}</a>' for n in (4, 2, 3))
    assert next_pages(html) == [address.format(n) for n in (2, 3, 4)]


def test_numbers_in_a_pager_are_pages_whatever_their_address():
    html = """<nav class="page-navigation"><a href="/list">1</a><a href="/list/start-30">2</a>
        <a href="/list/start-60">3</a></nav>"""
    assert next_pages(html) == ["/list/start-30", "/list/start-60"]


def test_what_lies_before_this_page_is_left_out():
    html = "".join(f'<a href="/list?page={n}">{n}</a>' for n in range(1, 8))
    assert next_pages(html, f"{PAGE}?page=5") == ["/list?page=6", "/list?page=7"]
    here = (
        '<div class="pager"><a href="/x">2</a><b aria-current="page">3</b><a href="/y">4</a></div>'
    )
    assert next_pages(here) == ["/y"]


def test_the_surest_come_first_and_each_once():
    html = """<a href="/list?page=3">3</a><a href="/list?page=2">2</a><a href="/older">Older</a>
        <a href="/list?page=2" rel="next">Next</a>"""
    assert next_pages(html) == ["/list?page=2", "/older", "/list?page=3"]


def test_a_page_with_very_many_numbers_is_bounded():
    html = "".join(f'<a href="/list?page={n}">{n}</a>' for n in range(MOST_NEXT * 3))
    assert len(next_pages(html)) == MOST_NEXT
