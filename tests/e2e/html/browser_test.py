"""The HTML report as Chromium shows it: browser_test.py HTML_PAGES FOLDER."""

import os
import re
import subprocess
import sys
import unittest

import chromium

FOLDER = ""
BROWSER = None

TITLE = "document.getElementById('sample-title').textContent"
STATUS = "document.getElementById('sample-status').textContent"
DIALOG = "document.getElementById('sample').open"


def url(page, address=""):
    return "file://" + os.path.join(FOLDER, page) + address


class PageTest(unittest.TestCase):
    def setUp(self):
        self.browser = BROWSER
        self.browser.errors.clear()
        self.browser.size(1280, 900)

    def tearDown(self):
        self.browser.run("0")  # what is still on its way arrives before
        self.assertEqual(self.browser.errors, [])
        for request in self.browser.requests:
            self.assertTrue(request.startswith(("file://" + FOLDER, "data:")), request)

    def run_js(self, expression):
        return self.browser.run(expression)

    def tab_to(self, selector, times=300):
        """Tab until an element has the focus that fits."""
        for _ in range(times):
            self.browser.key("Tab")
            if self.run_js("document.activeElement.matches(%r)" % selector):
                return
        self.fail("Tab does not reach " + selector)

    def open_sound(self, page):
        """Opens a page that must be well-formed and say to a screen reader what everything is."""
        self.browser.go(url(page))
        self.assertEqual(self.run_js("document.querySelectorAll('th:not([scope])').length"), 0)
        self.assertEqual(self.run_js(
            "[...document.querySelectorAll('table')].filter((t) => !t.caption || "
            "!t.caption.textContent).length"), 0)
        self.assertEqual(self.run_js(
            "[...document.querySelectorAll('input, select')].filter((c) => !c.labels.length && "
            "!c.getAttribute('aria-label')).map((c) => c.outerHTML)"), [])
        self.assertEqual(self.run_js(
            "[...document.querySelectorAll('[id]')].map((e) => e.id)"
            ".filter((id, i, all) => all.indexOf(id) !== i)"), [])
        self.assertEqual(self.run_js(
            "[...document.querySelectorAll('svg a')].filter((a) => !a.getAttribute('aria-label'))"
            ".length"), 0)
        self.assertEqual(self.run_js("document.querySelectorAll('[style]').length"), 0)

    def to_section(self, name):
        """By the keyboard: the navigation's link, so that Tab goes on from there."""
        self.tab_to("nav a[href='#%s']" % name)
        self.browser.key("Enter")
        self.browser.wait("location.hash === '#%s'" % name)


class Everywhere(PageTest):
    def test_every_kind_of_page_is_sound(self):
        # The others are looked at where they are opened anyway.
        for page in ("one.html", "three.html"):
            with self.subTest(page):
                self.open_sound(page)

    def test_many_rows_are_there_soon(self):
        self.open_sound("big.html")
        ready = int(self.run_js("document.documentElement.dataset.readyMs"))
        size = os.path.getsize(os.path.join(FOLDER, "big.html"))
        print("14,042 rows: %d ms until the table stood, %.1f MB" % (ready, size / 1e6))
        self.assertIn("14,042 of 14,042 samples", self.run_js(STATUS))
        self.assertLess(ready, 120000)  # what load cannot break
        self.assertLess(size, 50e6)

    def test_contrast_in_both_schemes(self):
        luminance = (
            "((text) => { const c = text.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255).map("
            "(v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);"
            "return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; })")
        for dark in (False, True):
            self.browser.size(1280, 900, dark=dark)
            self.browser.go(url("one.html"))
            for name in ("ink", "quiet", "link", "good", "bad", "none", "fail", "s0", "s1", "s2", "s3"):
                ratio = self.run_js(
                    "(() => { const probe = document.createElement('p'); document.body.append(probe);"
                    "probe.style.color = 'var(--%s)'; probe.style.background = 'var(--page)';"
                    "const style = getComputedStyle(probe); const l = %s;"
                    "const [a, b] = [l(style.color), l(style.backgroundColor)]; probe.remove();"
                    "return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); })()" % (name, luminance))
                least = 3 if name.startswith("s") else 4.5  # WCAG 2.2: drawings, text
                self.assertGreaterEqual(ratio, least, (name, dark))


class Keyboard(PageTest):
    def test_skip_link_filters_and_order(self):
        self.browser.go(url("three.html"))
        self.browser.key("Tab")
        self.assertTrue(self.run_js("document.activeElement.matches('.skip')"))
        self.browser.key("Enter")
        self.tab_to("#filter-task", 5)
        self.browser.key("ArrowDown")
        self.browser.wait("location.hash.includes('task=mmlu')")
        self.assertIn("570 of 1,122 samples", self.run_js(STATUS))
        self.tab_to("#filter-verdict", 5)
        self.browser.key("ArrowDown")
        self.browser.wait("location.hash.includes('verdict=not+pass')")
        self.assertTrue(self.run_js(
            "[...document.querySelectorAll('#sample-body tr')].every((row) => /wrong/.test(row.textContent))"))
        self.tab_to("#filter-q", 5)
        self.browser.type("question/7")
        self.browser.wait("location.hash.includes('q=question')")
        self.assertTrue(self.run_js(
            "[...document.querySelectorAll('#sample-body th')].every((th) => th.textContent.includes('question/7'))"))
        self.tab_to("#filter-clear", 5)
        self.browser.key("Enter")
        self.browser.wait(STATUS + ".startsWith('1,122 of')")
        # Sorting: up, then down.
        self.tab_to("th[data-key='tokens.0'] button", 40)
        self.browser.key("Enter")
        numbers = ("[...document.querySelectorAll('#sample-body tr')].map((row) => row.cells["
                   "document.querySelector('th[data-key=\"tokens.0\"]').cellIndex].textContent)"
                   ".map((text) => Number(text.replace(/[^0-9]/g, '')))")
        self.assertEqual(self.run_js("document.activeElement.parentElement.getAttribute('aria-sort')"), "ascending")
        up = self.run_js(numbers)
        self.assertEqual(up, sorted(up))
        self.browser.key(" ")
        self.assertEqual(self.run_js("document.activeElement.parentElement.getAttribute('aria-sort')"), "descending")
        down = self.run_js(numbers)
        self.assertEqual(down, sorted(down, reverse=True))
        self.assertGreater(down[0], up[0])
        # The second page.
        self.tab_to("#page-after", 250)
        self.browser.key("Enter")
        self.browser.wait("location.hash.includes('page=2')")
        self.assertEqual(self.run_js("document.getElementById('page-number').value"), "2")

    def test_a_sample_opens_steps_and_closes(self):
        self.browser.go(url("three.html"))
        self.to_section("samples")
        self.tab_to("#sample-body th a", 60)
        self.browser.key("Enter")
        self.browser.wait(DIALOG)
        first = self.run_js(TITLE)
        self.assertIn("mmlu/original · question/0", first)
        self.assertIn("item=question%2F0", self.run_js("location.hash"))
        self.assertEqual(self.run_js("document.querySelectorAll('.answer').length"), 3)
        self.assertEqual(self.run_js("document.activeElement.id"), "sample-title")
        text = self.run_js("document.getElementById('sample-content').textContent")
        for part in ("which of these is the one", "prompt", "Log-probabilities", "choice v1", "because",
                     "sha256 of its tokens"):
            self.assertIn(part.lower(), text.lower())
        self.tab_to("#sample-after", 5)
        self.browser.key("Enter")
        self.browser.wait(TITLE + " !== " + repr(first))
        self.browser.key("Escape")
        self.browser.wait("!" + DIALOG)
        self.assertEqual(self.run_js("document.activeElement.textContent"), "question/1")
        self.assertNotIn("item=", self.run_js("location.hash"))

    def test_the_window_of_dates(self):
        self.browser.go(url("three.html"))
        output = "document.querySelector('figure[data-months] output').textContent"
        whole = self.run_js(output)
        # All dates together are the score in the table.
        score = self.run_js(
            "[...document.querySelectorAll('#scores tbody tr')].map((row) => row.textContent)"
            ".find((text) => text.startsWith('livecodebench') && text.includes('all'))")
        self.assertIn(re.search(r"run 0: ([\d.]+) %", whole).group(1), score)
        self.assertIn("312 questions", whole)
        self.to_section("behaviour")
        self.tab_to("figure[data-months] input[type=range]", 300)
        self.browser.key("ArrowRight", 12)
        self.assertIn("2024-01 to 2025-02", self.run_js(output))
        self.assertIn("168 questions", self.run_js(output))
        self.assertEqual(self.run_js("document.activeElement.getAttribute('aria-valuetext')"), "2024-01")
        self.assertEqual(self.run_js("document.querySelectorAll('[data-month].outside').length"), 12)
        self.tab_to("figure[data-months] a[href*='from=']", 5)
        self.browser.key("Enter")
        self.browser.wait(STATUS + ".startsWith('168 of')")

    def test_numbers_lead_to_samples(self):
        self.browser.go(url("three.html"))
        self.to_section("subjects")
        self.tab_to("td.heat a", 20)
        subject = self.run_js("document.activeElement.closest('tr').cells[0].textContent")
        self.browser.key("Enter")
        self.browser.wait("document.getElementById('filter-subject').value === %r" % subject)
        self.assertTrue(self.run_js("document.querySelectorAll('#sample-body tr').length > 0"))
        self.run_js("location.hash = '#scores'")
        self.tab_to("svg a", 20)
        self.browser.key("Enter")
        self.browser.wait("location.hash.includes('task=') && location.hash.includes('run=')")

    def test_tables_are_sorted(self):
        self.browser.go(url("three.html"))
        self.to_section("subjects")
        self.tab_to("table.sortable th button", 10)
        self.browser.key("Tab")
        self.browser.key("Tab")
        self.browser.key("Enter")
        values = self.run_js(
            "(() => { const th = document.activeElement.parentElement; return [...th.closest('table')"
            ".tBodies[0].rows].map((row) => parseFloat(row.cells[th.cellIndex].textContent)); })()")
        self.assertEqual(values, sorted(values))
        self.assertGreater(values[-1], values[0])


class Comparison(PageTest):
    def test_flips_are_those_of_the_table(self):
        self.open_sound("pair.html")
        self.assertIn("Comparison: ", self.run_js("document.querySelector('h1').textContent"))
        for how in ("lost", "gained"):
            count = self.run_js(
                "(() => { const a = document.querySelector('#comparison a[href*=\"task=mmlu\"][href*=\"changed=%s\"]');"
                "a.click(); return a.textContent; })()" % how)
            self.browser.wait("location.hash.includes('changed=%s')" % how)
            self.browser.wait(STATUS + ".startsWith(%r)" % (count + " of"))
        self.assertTrue(self.run_js("document.querySelectorAll('#comparison svg .margin').length > 0"))

    def test_subjects_and_groups_lead_to_what_changed(self):
        self.browser.go(url("pair.html"))
        for name in ("hard", "group 1"):  # a stratum of LiveCodeBench, one beside MMLU's subjects
            self.run_js(
                "[...document.querySelectorAll('#comparison details td a, #comparison details th a')]"
                ".find((a) => a.textContent === %r).click()" % name)
            self.browser.wait("document.getElementById('filter-subject').value === %r" % name)
            self.browser.wait("location.hash.includes('changed=any')")
            self.assertTrue(self.run_js("document.querySelectorAll('#sample-body tr').length > 0"))

    def test_what_must_be_known(self):
        self.browser.go(url("three.html"))
        banners = self.run_js("document.querySelector('.banners').textContent")
        for word in ("UNSANDBOXED", "INCOMPLETE", "REMOTE", "cannot be reproduced bit for bit"):
            self.assertIn(word, banners)
        facts = self.run_js("document.getElementById('runs').textContent")
        for word in ("Dataset sha256", "Graders", "candidate-16b-int4"):
            self.assertIn(word, facts)

    def test_deep_link(self):
        self.browser.go(url("three.html", "#task=aime24%2Foriginal&item=question%2F3&repeat=5"))
        self.browser.wait(DIALOG)
        self.assertEqual(self.run_js(TITLE), "aime24/original · question/3 · repeat 5")
        self.assertIn("\\boxed{3}", self.run_js("document.getElementById('sample-content').textContent"))


class Hostile(PageTest):
    def test_nothing_is_interpreted(self):
        self.open_sound("hostile.html")
        self.run_js("openSample(state.rows[0])")
        self.browser.wait(DIALOG)
        self.assertNotIn("owned", self.run_js("document.title.replaceAll(\"document.title='owned'\", '')"))
        self.assertTrue(self.run_js("document.title.startsWith('Evaluation report')"))
        self.assertEqual(self.run_js("document.querySelectorAll('img, iframe, object, svg[onload], [onerror]').length"), 0)
        text = self.run_js("document.getElementById('sample-content').textContent")
        for part in ("<img src=x onerror=", "</script>", "<!-- --!>", "U+202E", "U+0000", "U+001B", "U+200B", "&amp;"):
            self.assertIn(part, text)
        self.assertEqual(self.run_js("document.documentElement.textContent.indexOf('\u202e')"), -1)

    def test_ten_megabytes(self):
        self.browser.go(url("hostile.html"))
        self.run_js("openSample(state.rows[1])")
        self.browser.wait(DIALOG)
        answer = "document.querySelector('pre[aria-label=answer]').textContent.length"
        self.assertEqual(self.run_js(answer), 200000)
        self.run_js("document.querySelector('.answer .more').click()")
        self.assertGreaterEqual(self.run_js(answer), 10000000)

    def test_a_failure_of_ours(self):
        self.browser.go(url("hostile.html"))
        self.run_js("openSample(state.rows[2])")
        self.browser.wait(DIALOG)
        self.assertIn("Message", self.run_js("document.getElementById('sample-content').textContent"))


class Budget(PageTest):
    def test_head_and_tail(self):
        self.open_sound("budget.html")
        self.assertLess(os.path.getsize(os.path.join(FOLDER, "budget.html")), 1.1e6)
        self.assertGreater(os.path.getsize(os.path.join(FOLDER, "budget.html")), 0.5e6)
        self.run_js("openSample(state.rows[150])")
        self.browser.wait(DIALOG)
        text = self.run_js("document.getElementById('sample-content').textContent")
        for part in ("BEGIN", "END", "bytes left out here", "words.sqlite"):
            self.assertIn(part, text)


class Look(PageTest):
    """Pictures to look at; that they can be taken, and that nothing is wider than a phone."""

    def take(self, name, whole=True):
        self.browser.screenshot(os.path.join(FOLDER, name), whole=whole)

    def test_pictures(self):
        self.browser.go(url("three.html"))
        self.take("light.png")
        self.browser.pdf(os.path.join(FOLDER, "print.pdf"))
        self.assertGreater(os.path.getsize(os.path.join(FOLDER, "print.pdf")), 10000)
        self.browser.size(1280, 900, dark=True)
        self.take("dark.png")
        self.browser.go(url("pair.html"))
        self.take("comparison.png")
        self.browser.go(url("three.html", "#task=aime24%2Foriginal&item=question%2F3&repeat=5"))
        self.browser.wait(DIALOG)
        self.take("sample.png", whole=False)

    def test_pictures_of_a_phone(self):
        self.browser.size(390, 800, phone=True)
        self.browser.go(url("three.html", "#item=question%2F3"))
        self.browser.wait(DIALOG)
        self.take("sample_phone.png", whole=False)
        self.browser.key("Escape")
        self.browser.wait("!" + DIALOG)
        self.take("phone.png")
        self.assertLessEqual(self.run_js("document.documentElement.scrollWidth"), 390)


def main():
    global FOLDER, BROWSER
    generator, FOLDER = sys.argv[1:3]
    if not chromium.find():
        print("skipped: no chromium on this machine (Debian: apt-get install chromium)")
        return 77
    subprocess.run([generator, FOLDER], check=True)
    BROWSER = chromium.Browser()
    try:
        result = unittest.main(argv=sys.argv[:1] + sys.argv[3:], exit=False, verbosity=2).result
    finally:
        BROWSER.close()
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
