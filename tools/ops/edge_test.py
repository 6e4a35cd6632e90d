"""The edge, with a real nginx: what it adds, forwards, drops and answers itself.

Two small servers stand for the gateways. AIPOTEN_GATEWAY=host:port puts a running platform behind it instead; then what only
the small servers can tell is left out.
"""

import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NGINX = pathlib.Path(os.environ["AIPOTEN_NGINX"])  # folder that Debian's packages are extracted to
PLATFORM = os.environ.get("AIPOTEN_GATEWAY")


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the request as it arrived, dressed as a gateway dresses it."""

    protocol_version = "HTTP/1.1"

    def respond(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("upgrade"):
            self.send_response(101)
            self.send_header("upgrade", self.headers["upgrade"])
            self.send_header("connection", "upgrade")
            self.end_headers()
            self.wfile.write(self.rfile.readline())
            self.close_connection = True
            return
        body = json.dumps({"headers": list(self.headers.items()), "path": self.path}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-frame-options", "DENY")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = respond

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Edge:
    """nginx with the configuration of this checkout; only paths, ports and the gateways' addresses are replaced."""

    def __init__(self, gateways):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="aipoten-edge-"))
        self.plain, self.tls = free_port(), free_port()
        for name in ("certificates", "srv/media", "srv/acme/.well-known/acme-challenge", "run", "tmp"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        self.certificate()
        (self.folder / "srv/media/story.svg").write_text("<svg>" + "ha " * 2000 + "</svg>")
        (self.folder / "srv/acme/.well-known/acme-challenge/token").write_text("answer")
        self.configure(gateways)
        configuration = str(self.folder / "nginx.conf")
        self.command = [str(NGINX / "usr/sbin/nginx"), "-e", "stderr", "-p", str(self.folder), "-c", configuration]
        libraries = {"LD_LIBRARY_PATH": str(next(NGINX.glob("usr/lib/*-linux-gnu")))}
        tested = subprocess.run([*self.command, "-t"], capture_output=True, text=True, env=libraries)
        assert tested.returncode == 0, tested.stderr
        self.process = subprocess.Popen([*self.command, "-g", "daemon off;"], stdout=subprocess.DEVNULL, env=libraries)
        self.wait()

    def certificate(self):
        key, certificate = self.folder / "certificates/privkey.pem", self.folder / "certificates/fullchain.pem"
        arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=edge.test"
        subprocess.run(["openssl", *arguments.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)

    def configure(self, gateways):
        text = (ROOT / "deploy/nginx/nginx.conf").read_text()
        for name, address in zip(("gateway-a:3000", "gateway-b:3000"), gateways, strict=True):
            assert name in text
            text = text.replace(name, address)
        text = re.sub(r"(?<=[ ;])/(certificates|srv|tmp)\b", rf"{self.folder}/\1", text)
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.plain}").replace("listen 8443", f"listen 127.0.0.1:{self.tls}")
        text = text.replace("load_module modules/", f"load_module {NGINX}/usr/lib/nginx/modules/")
        text = text.replace("include mime.types", f"include {NGINX}/etc/nginx/mime.types")
        text = text.replace("/run/nginx/", f"{self.folder}/run/")
        if os.geteuid() == 0:
            text = f"user root;\n{text}"
        (self.folder / "nginx.conf").write_text(text)
        shutil.copy(ROOT / "deploy/nginx/proxy.conf", self.folder)

    def wait(self):
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.tls), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder)

    def tls_context(self, version=ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        return context

    def ask(self, path, method="GET", headers=None, body=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.tls, timeout=10, context=self.tls_context())
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        answer.text = answer.read()
        connection.close()
        return answer


class EdgeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.echo = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        threading.Thread(target=cls.echo.serve_forever, daemon=True).start()
        alive = PLATFORM or f"127.0.0.1:{cls.echo.server_port}"
        # The second gateway is away: no request may notice.
        cls.edge = Edge([alive, f"127.0.0.1:{free_port()}"])
        cls.dead = Edge([f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"])

    @classmethod
    def tearDownClass(cls):
        cls.edge.stop()
        cls.dead.stop()
        cls.echo.shutdown()
        cls.echo.server_close()

    def test_plain_http_is_sent_to_https_but_for_what_the_authority_asks(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.edge.plain, timeout=10)
        connection.request("GET", "/api/v1/videos?age=24", headers={"host": "care.example"})
        answer = connection.getresponse()
        answer.read()
        self.assertEqual((answer.status, answer.headers["location"]), (308, "https://care.example/api/v1/videos?age=24"))
        connection.request("GET", "/.well-known/acme-challenge/token")
        self.assertEqual(connection.getresponse().read(), b"answer")
        connection.close()

    def test_tls_1_2_is_refused(self):
        with self.assertRaises(ssl.SSLError):
            context = self.edge.tls_context(ssl.TLSVersion.TLSv1_2)
            with socket.create_connection(("127.0.0.1", self.edge.tls)) as plain, context.wrap_socket(plain):
                pass

    def test_http_2_is_offered(self):
        context = self.edge.tls_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        with socket.create_connection(("127.0.0.1", self.edge.tls)) as plain, context.wrap_socket(plain) as secure:
            self.assertEqual(secure.selected_alpn_protocol(), "h2")

    @unittest.skipIf(PLATFORM, "needs a gateway that tells what it was sent")
    def test_the_gateway_hears_the_address_of_the_peer_and_nothing_that_the_client_claims(self):
        claims = {"x-forwarded-for": "8.8.8.8", "forwarded": "for=8.8.8.8", "x-real-ip": "8.8.8.8", "host": "care.example"}
        sent = {name.lower(): value for name, value in json.loads(self.edge.ask("/api/v1/x?q=1", headers=claims).text)["headers"]}
        self.assertEqual((sent["x-forwarded-for"], sent["x-forwarded-proto"], sent["host"]), ("127.0.0.1", "https", "care.example"))
        self.assertFalse({"forwarded", "x-real-ip"} & sent.keys())

    def test_no_request_notices_that_a_gateway_is_away(self):
        for _ in range(20):
            self.assertLess(self.edge.ask("/api/v1/auth/nowhere", "POST", body=b"{}").status, 500)

    def test_a_websocket_goes_through(self):
        ask = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        ask += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.edge.tls)) as plain, self.edge.tls_context().wrap_socket(plain) as secure:
            secure.sendall(ask)
            self.assertIn(b" 101 ", secure.recv(4096).split(b"\r\n")[0])
            if PLATFORM:
                return
            secure.sendall(b"hello\n")
            self.assertEqual(secure.recv(100), b"hello\n")

    def test_without_a_gateway_the_answer_is_an_envelope_in_the_language_of_the_reader(self):
        for language, words in (("en", "not available"), ("ko-KR,ko", "이용할 수 없습니다")):
            answer = self.dead.ask("/api/v1/videos", headers={"accept-language": language})
            said = json.loads(answer.text)
            self.assertEqual((answer.status, answer.headers["content-type"]), (503, "application/json"))
            self.assertEqual((said["success"], said["error"]["code"]), (False, "UNAVAILABLE"))
            self.assertIn(words, said["error"]["message"])
            self.assertEqual(answer.headers["retry-after"], "2")

    def test_what_is_too_large_is_refused_in_an_envelope(self):
        answer = self.dead.ask("/api/v1/x", "POST", {"content-length": str(12 * 1024 * 1024)}, b"")
        self.assertEqual((answer.status, json.loads(answer.text)["error"]["code"]), (413, "PAYLOAD_TOO_LARGE"))

    def test_every_answer_is_dressed_once(self):
        answers = [self.dead.ask("/x"), self.edge.ask("/media/story.svg"), self.edge.ask("/media/none.svg")]
        if PLATFORM:
            answers.append(self.edge.ask("/api/v1/nowhere"))
        for answer in answers:
            for name in ("strict-transport-security", "x-content-type-options", "content-security-policy"):
                self.assertEqual(len(answer.headers.get_all(name, [])), 1, (answer.status, name))
            self.assertNotRegex(answer.headers["server"], r"\d")

    def test_media_are_compressed_and_kept_and_missing_ones_are_not(self):
        for coding in ("br", "gzip"):
            answer = self.edge.ask("/media/story.svg", headers={"accept-encoding": coding})
            self.assertEqual((answer.status, answer.headers["content-encoding"]), (200, coding))
            self.assertLess(len(answer.text), 500)
            self.assertIn("immutable", answer.headers["cache-control"])
        missing = self.edge.ask("/media/none.svg")
        self.assertEqual((missing.status, missing.headers["cache-control"]), (404, None))


if __name__ == "__main__":
    unittest.main()
