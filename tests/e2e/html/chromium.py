"""A headless Chromium over a pipe: no port, no driver, nothing but the browser and Python."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

SECONDS = 300  # until an answer is given up: a loaded machine under a sanitizer is slow


def find():
    """The browser's path, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    return None


class Browser:
    """One page. Keeps what went wrong on it: errors, refusals of the policy, requests."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="moebius-chromium-")
        to_browser, self.out = os.pipe()
        self.input, from_browser = os.pipe()

        def pipes():  # Chromium reads from 3 and writes to 4
            os.dup2(os.dup(to_browser), 13)
            os.dup2(os.dup(from_browser), 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

        self.process = subprocess.Popen(
            [find(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-extensions",
             "--user-data-dir=" + self.profile, "--remote-debugging-pipe", "about:blank"],
            preexec_fn=pipes, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.number = 0
        self.session = None
        self.errors = []
        self.requests = []
        self.visits = 0
        pages = self.call("Target.getTargets")["targetInfos"]
        target = next(page["targetId"] for page in pages if page["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.input)
        shutil.rmtree(self.profile, ignore_errors=True)

    def message(self):
        end = time.monotonic() + SECONDS
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.input], [], [], max(0, end - time.monotonic()))
            more = os.read(self.input, 1 << 20) if ready else b""
            if not more:
                raise RuntimeError("chromium: no answer")
            self.buffer += more
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def note(self, event):
        method, params = event.get("method"), event.get("params", {})
        if "error" in event:  # of a call that post() made
            self.errors.append(json.dumps(event["error"])[:2000])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"])[:2000])
        elif method == "Log.entryAdded":
            self.errors.append(params["entry"]["text"][:2000])
        elif method == "Runtime.consoleAPICalled":
            self.errors.append("console." + params["type"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"][:200])

    def post(self, method, **params):
        """Does not wait for the answer: what is called next comes after it all the same."""
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        write_all(self.out, json.dumps(request).encode() + b"\0")
        return self.number

    def answer(self, number):
        """The answer to a request; what comes before it is noted."""
        while True:
            answer = self.message()
            if answer.get("id") != number:
                self.note(answer)
                continue
            if "error" in answer:
                raise RuntimeError(json.dumps(answer["error"]))
            return answer["result"]

    def call(self, method, **params):
        return self.answer(self.post(method, **params))

    def run(self, expression):
        """The value of an expression; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True,
                           returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(expression + ": " + json.dumps(answer["exceptionDetails"])[:1000])
        return answer["result"].get("value")

    def wait(self, expression):
        """Until the expression is true."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            value = self.run(expression)
            if value:
                return value
            time.sleep(0.02)
        raise RuntimeError("never true: " + expression)

    def go(self, url):
        # Another query makes it another document: the same one would only change its hash.
        self.visits += 1
        page, mark, hash = url.partition("#")
        self.requests.clear()
        self.call("Page.navigate", url="%s?%d%s%s" % (page, self.visits, mark, hash))
        self.wait("location.search === '?%d' && document.documentElement?.dataset.readyMs" % self.visits)

    def size(self, width, height, dark=False, phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def screenshot(self, path, whole=False):
        clip = {}
        if whole:
            box = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"captureBeyondViewport": True,
                    "clip": {"x": 0, "y": 0, "width": box["width"],
                             "height": min(box["height"], 6000), "scale": 1}}
        data = self.call("Page.captureScreenshot", format="png", **clip)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def pdf(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"]))

    KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "Home": 36, "End": 35, "ArrowLeft": 37,
            "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, " ": 32}

    def key(self, name, times=1, shift=False):
        code = self.KEYS[name]
        what = {"key": name, "code": "Space" if name == " " else name,
                "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        text = {"Enter": "\r", " ": " "}.get(name)
        for _ in range(times):
            self.post("Input.dispatchKeyEvent", type="keyDown", **what, **({"text": text} if text else {}))
            last = self.post("Input.dispatchKeyEvent", type="keyUp", **what)
        self.answer(last)

    def type(self, text):
        self.call("Input.insertText", text=text)


def write_all(file, data):
    while data:
        data = data[os.write(file, data):]
