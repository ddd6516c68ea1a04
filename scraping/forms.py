"""The console's forms of this room: starting a crawl, and what a source is."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.forms.boundfield import BoundField
from django.utils.functional import cached_property

from gallery.albums import LONGEST_NAME
from imagineer import texts, words
from imagineer.console_start import RowsField, StartForm, number_field
from imagineer.problems import Problem
from scraping import schedule, sources
from scraping.addresses import site_of
from scraping.crawl_presets import CRAWL_PRESETS
from scraping.models import Source
from scraping.options import (
    BOUNDS,
    FORMATS,
    LIMITS,
    MOST_PATTERNS,
    NAMES,
    CrawlOptions,
    OptionRefused,
    checked,
)
from scraping.runs import MOST_TARGETS, Asked, checked_address

if TYPE_CHECKING:
    SourceModelForm = forms.ModelForm[Source]
else:  # The class is generic in its type stubs alone.
    SourceModelForm = forms.ModelForm


def _default(name: str) -> Any:
    value = getattr(CrawlOptions, name)
    return list(value) if isinstance(value, tuple) else value


def _whole(name: str, label: str, told: str = ".") -> forms.IntegerField:
    least, most = BOUNDS[name]
    return number_field(int(least), int(most), told, label=label, initial=_default(name))


def _decimal(name: str, label: str, told: str) -> forms.FloatField:
    least, most = BOUNDS[name]
    return forms.FloatField(
        min_value=least, max_value=most, label=label, initial=_default(name),
        help_text=f"{words.bounds(least, most)}{told}",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )  # fmt: skip


def _yes(name: str, label: str, told: str = "") -> forms.BooleanField:
    return forms.BooleanField(required=False, label=label, help_text=told, initial=_default(name))


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, rows: int = 2, most: int = MOST_PATTERNS, **options: Any) -> None:
        area = forms.Textarea(attrs={"rows": rows, "spellcheck": "false"})
        super().__init__(widget=area, **options)
        self.most = most

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        text = texts.unified(super().clean(value))
        if texts.has_control(text):
            raise forms.ValidationError(texts.CONTROL)
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        if len(lines) > self.most:
            raise forms.ValidationError(f"At most {self.most} lines; these are {len(lines)}.")
        return lines


class AddressesField(LinesField):
    """Addresses that may be crawled, one a line."""

    def clean(self, value: Any) -> list[str]:
        urls = super().clean(value)
        found = []
        for number, url in enumerate(urls, 1):
            try:
                found.append(checked_address(url))
            except Problem as problem:
                place = f"Line {number}: " if len(urls) > 1 else ""
                raise forms.ValidationError(place + problem.message) from problem
        return list(dict.fromkeys(found))


class SourcesField(RowsField):
    """The sources that are switched on."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options: Any) -> None:
        super().__init__(Source.objects.filter(enabled=True), **options)

    def label_from_instance(self, obj: Source) -> str:
        return f"{obj.name} ({site_of(obj.base_url)})"

    def clean(self, value: Any) -> Any:
        ids = [words.number_in(str(one)) for one in value or ()]
        known = [pk for pk in ids if pk is not None]
        off = Source.objects.filter(pk__in=known, enabled=False).first()
        if off is not None:
            raise forms.ValidationError(
                f"“{off}” is switched off. Switch it on to crawl it, or leave it out."
            )
        return super().clean(value)


class ScrapeForm(StartForm):
    """Every option of a crawl. What is left as it is by default, a source may want otherwise."""

    first = ("urls", "sources", "lookup", "album_name", "auto_create_album", "preset")
    intro = (
        "Reads pages and takes their pictures, with the words beside them as captions. It obeys "
        "robots.txt and keeps pauses."
    )
    groups = (
        ("What to read", (
            "depth", "max_pages", "max_minutes", "render_javascript", "follow_pagination",
            "use_sitemaps", "only_new", "include", "exclude", "allowed_domains",
        )),
        ("Which pictures", (
            "max_images", "max_megabytes", "min_width", "min_height", "min_megapixels",
            "max_aspect_ratio", "min_kilobytes", "near_distance", "formats",
        )),
        ("How politely", ("obey_robots", "respect_noai")),
    )  # fmt: skip

    urls = AddressesField(
        label="Addresses",
        required=False,
        most=MOST_TARGETS,
        help_text="One a line.",
    )
    sources = SourcesField(
        label="Sources",
        required=False,
        help_text="What a source wants of its crawls holds where you leave the options below.",
    )
    lookup = forms.CharField(
        label="Look up in the sources",
        max_length=200,
        required=False,
        help_text="A name, in sources that can be searched; else each is crawled as it is.",
    )
    album_name = forms.CharField(
        label="Name of the album",
        max_length=LONGEST_NAME,
        required=False,
        help_text="“Scraped” and the site's name, if you leave it empty.",
    )
    auto_create_album = _yes("auto_create_album", "Make an album of what is taken")
    preset = forms.ChoiceField(
        label="How much",
        required=False,
        choices=[("", "As chosen below")]
        + [(name, f"{preset.label}: {preset.told}") for name, preset in CRAWL_PRESETS.items()],
        widget=forms.RadioSelect,
        help_text="Options that belong together. What you change below goes before them.",
    )
    depth = _whole(
        "depth", "Links to follow", "; 0 reads that page alone, 1 also what it links to."
    )
    max_pages = _whole("max_pages", "Pages at most")
    max_minutes = _whole("max_minutes", "Minutes at most")
    render_javascript = forms.ChoiceField(
        label="Open pages in a browser",
        choices=Source.Rendering.choices,
        initial=_default("render_javascript"),
        help_text="For sites that show their pictures by JavaScript; slower.",
    )
    follow_pagination = _yes(
        "follow_pagination", "Follow the next pages of a list", "They count as no deeper."
    )
    use_sitemaps = _yes("use_sitemaps", "Also read what the site's sitemaps name")
    only_new = _yes("only_new", "Of a source crawled before, only what is new or changed")
    include = LinesField(
        label="Only pages like these",
        required=False,
        help_text="One a line: */gallery/*, or a regular expression between slashes.",
    )
    exclude = LinesField(label="No pages like these", required=False, help_text="One a line.")
    allowed_domains = LinesField(
        label="Other sites that may be read",
        required=False,
        help_text="Hosts, one a line. “example.org” stands for what lies below it too.",
    )
    max_images = _whole("max_images", "Pictures at most")
    max_megabytes = _whole("max_megabytes", "Megabytes at most")
    min_width = _whole("min_width", "Width at least")
    min_height = _whole("min_height", "Height at least")
    min_megapixels = _decimal("min_megapixels", "Megapixels at least", "; 0 for any.")
    max_aspect_ratio = _decimal(
        "max_aspect_ratio", "Long side by short side at most", "; 0 for any."
    )
    min_kilobytes = _whole("min_kilobytes", "Kilobytes at least", "; 0 for any.")
    near_distance = _whole(
        "near_distance",
        "Bits in which the same picture may differ",
        " of 64; 0 for equal hashes alone.",
    )
    formats = forms.MultipleChoiceField(
        label="Formats",
        required=False,
        choices=[(name, name.upper()) for name in FORMATS],
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all.",
    )
    obey_robots = _yes(
        "obey_robots", "Obey robots.txt", "What it forbids is not read; its crawl-delay is kept."
    )
    respect_noai = _yes(
        "respect_noai", "Leave alone what asks not to be trained on", "noai and noimageai."
    )
    # The source whose wishes the options were filled in with.
    filled_in_for = forms.CharField(required=False, widget=forms.HiddenInput)

    def grouped(self) -> Iterator[tuple[str, list[BoundField], bool]]:
        """(title, fields, whether it is open) of each group."""
        for place, (title, names) in enumerate(self.groups):
            fields = [self[name] for name in names]
            yield title, fields, place == 0 or any(field.errors for field in fields)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not self.errors and not given["urls"] and not given["sources"]:
            self.add_error("urls", "Write an address, or tick a source.")
        if not self.errors and given["lookup"] and not given["sources"]:
            self.add_error("lookup", "Tick the sources to look it up in.")
        for name in NAMES:
            if name in given:
                try:
                    checked({name: given[name]})
                except OptionRefused as refused:
                    self.add_error(name, str(refused))
        return given

    def asked(self) -> list[Asked]:
        """Where the crawl starts. The form is valid."""
        given = self.cleaned_data
        asked = [Asked(url, place="urls") for url in given["urls"]]
        name, place = given["lookup"], "lookup" if given["lookup"] else "sources"
        return asked + [Asked(source=source, name=name, place=place) for source in given["sources"]]

    def choices(self) -> dict[str, Any]:
        """What holds whatever sources want: a preset's options and what is not as by default.

        Without a preset the limits too: they are as they stand there.
        """
        given = {name: self.cleaned_data[name] for name in NAMES}
        preset = self._preset_options()
        chosen = {name: value for name, value in given.items() if not self._is_left(name, value)}
        limits = {} if preset else {name: given[name] for name in LIMITS}
        return {**preset, **limits, **chosen}

    def _is_left(self, name: str, value: Any) -> bool:
        """Whether an option stands as it is by default, and did so from the beginning."""
        return value == _default(name) and name not in self._filled_in

    @cached_property
    def _filled_in(self) -> Mapping[str, Any]:
        number = words.number_in(self.value("filled_in_for") or "")
        source = Source.objects.filter(pk__in=[] if number is None else [number])
        return next(iter(source.values_list("options", flat=True)), {})

    def _preset_options(self) -> Mapping[str, Any]:
        preset = CRAWL_PRESETS.get(self.value("preset") or "")
        return preset.options if preset else {}

    def _holds(self, name: str) -> Any:
        """The option's value, as it would be for a start now; None while it is not valid."""
        value = self.value(name)
        return self._preset_options().get(name, value) if self._is_left(name, value) else value

    @property
    def cost(self) -> str:
        pictures, pages, most = map(self._holds, ("max_images", "max_pages", "max_minutes"))
        if not (pictures and pages and most):
            return ""
        if self._holds("depth") == 0 and not self._holds("follow_pagination"):
            starts = len(self.value("urls") or ()) + len(self.value("sources") or ())
            pages = min(pages, max(1, starts))
        longest = (pictures + pages) * settings.SCRAPE_DELAY
        pause = f"{settings.SCRAPE_DELAY:g} s between requests"
        if longest > most * 60:
            return f"{words.span(most * 60)} at most; it stops then."
        return f"At most about {words.span(longest)} with {pause}." if longest else ""

    @property
    def verb(self) -> str:
        urls, ticked = self.value("urls") or (), self.value("sources") or ()
        sites = [site_of(url) for url in urls] + [source.name for source in ticked]
        if not sites:
            return "Scrape"
        more = f" and {len(sites) - 1} more" if len(sites) > 1 else ""
        return f"Scrape {sites[0][:40]}{more}"


class JSONObjectField(forms.JSONField):
    """JSON as people write it: errors that say where."""

    def __init__(self, **options: Any) -> None:
        area = forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"})
        super().__init__(required=False, widget=area, **options)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """As it was typed."""
        return data

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False) if value else ""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            try:
                json.loads(value)
            except json.JSONDecodeError as error:
                place = f"line {error.lineno}, column {error.colno}"
                raise forms.ValidationError(f"This is not JSON: {error.msg}, {place}.") from error
            except (ValueError, RecursionError) as error:
                raise forms.ValidationError("This JSON cannot be read.") from error
        found = super().to_python(value)
        return {} if found is None else found


class SourceForm(SourceModelForm):
    """A source's own fields; what each may hold is scraping.sources.CHECKS."""

    base_url = forms.CharField(
        label="Address",
        widget=forms.URLInput(attrs={"class": "vURLField"}),
        help_text="Where a crawl of it begins, unless another is asked for.",
    )
    api_key = forms.CharField(
        label="API key",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "class": "vTextField"}),
        help_text="Kept encrypted, and never shown again.",
    )
    forget_api_key = forms.BooleanField(label="Forget the API key", required=False)
    mapping = JSONObjectField(
        help_text="For an API: where in its answers pictures, captions and the next page are.",
    )
    options = JSONObjectField(
        help_text='What its crawls do otherwise than by default, for example {"depth": 1}. '
        f"Possible are {', '.join(sources.WANTED)}.",
    )

    class Meta:
        model = Source
        fields = (
            "name", "base_url", "kind", "enabled", "rate_limit", "trust_level", "max_images",
            "render_javascript", "lookup_url", "mapping", "options", "schedule",
        )  # fmt: skip
        labels = {
            "enabled": "It may be crawled",
            "rate_limit": "Requests a minute at most",
            "max_images": "Pictures at most",
            "render_javascript": "Open pages in a browser",
            "lookup_url": "Address of its search",
            "schedule": "Crawled anew",
        }
        error_messages = {
            "name": {"unique": "There is a source of this name already; choose another."}
        }
        help_texts = {
            "max_images": "Of one crawl.",
            "rate_limit": "To all its hosts together.",
            "schedule": f"A cron expression; {schedule.EXAMPLE} Only what is new is fetched then.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        has_key = bool(self.instance.sealed_api_key)
        self.fields["forget_api_key"].disabled = not has_key
        if has_key:
            self.fields["api_key"].help_text = "It has one. What you write here goes in its place."
        for name, bounds in (("rate_limit", sources.RATES), ("max_images", sources.MOST_IMAGES)):
            told = self.fields[name].help_text
            self.fields[name].help_text = f"{words.bounds(*bounds)}. {told}"

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        for name, check in sources.CHECKS.items():
            if name in given and name not in self.errors:
                try:
                    given[name] = check(given[name])
                except Problem as problem:
                    self.add_error(name, problem.message)
        if "kind" in given and "mapping" in given:
            try:
                sources.check_mapping(given["kind"], given["mapping"])
            except Problem as problem:
                self.add_error("mapping", problem.message)
        return given

    def save(self, commit: bool = True) -> Source:
        key = self.cleaned_data["api_key"]
        if key or self.cleaned_data["forget_api_key"]:
            sources.put_in(self.instance, {"api_key": key})
        return super().save(commit)
