"""Somebody opens the chat for the first time and says a word."""

from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, Response
from playwright.sync_api import TimeoutError as NeverHappened

CONNECTED_MS_MAX = 8_000
CONNECTED = "document.querySelector('[role=status]').textContent === 'connected'"


class Talk(NamedTuple):
    """alive: whether the page connected and showed what was said; missing: files that it asked for and nobody had."""

    alive: bool
    missing: int


def talk(browser: Browser, uri: str, text: str, picture: Path) -> Talk:
    """picture: where what they saw in the end is kept."""
    lost: list[str] = []

    def note(answer: Response) -> None:
        if answer.status == 404 and "/_next/static/" in answer.url:
            lost.append(answer.url)

    with browser.new_context(viewport={"width": 390, "height": 640}) as context:
        page = context.new_page()
        page.on("response", note)
        page.goto(uri, wait_until="load")
        alive = _said(page, text)
        page.screenshot(path=picture)
    return Talk(alive, len(lost))


def _said(page: Page, text: str) -> bool:
    try:
        page.wait_for_function(CONNECTED, timeout=CONNECTED_MS_MAX)
        page.get_by_label("Your name").fill("Amina")
        page.get_by_label("Message").fill(text)
        page.get_by_role("button").click()
        page.get_by_role("listitem").filter(has_text=text).first.wait_for(timeout=CONNECTED_MS_MAX)
    except NeverHappened:
        return False
    return True
