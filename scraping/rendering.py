"""When a page is opened in a browser, to run its JavaScript before it is read. Pure."""

from typing import Literal, get_args

Rendering = Literal["off", "auto", "on"]
RENDERING: tuple[Rendering, ...] = get_args(Rendering)
