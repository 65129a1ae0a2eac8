# SPDX-License-Identifier: Apache-2.0
"""Servers for download_fixture.h on loopback: http, https (self-signed) and ftp, each on a free port.

Usage: download_server.py FOLDER. Writes FOLDER/cert.pem, prints the three ports in one line and
serves until its standard input ends, so that it never outlives the test. Every path is one way a
server can behave; see Handler.do_GET.
"""
import base64, gzip, http.server, os, socket, socketserver, ssl, subprocess, sys, threading, time

SIZE = 2000003
BODY = bytes((i * 7 + i // 251) & 255 for i in range(SIZE))  # the test makes the same bytes
FOLDER = sys.argv[1]
PORTS = {}
ASKED = {}  # path: how often


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def head(self, status, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace('_', '-'), str(value))
        self.end_headers()

    def redirect(self, to):
        self.head(302, Location=to, Content_Length=0)

    def chunk(self, data):
        self.wfile.write(b'%x\r\n%s\r\n' % (len(data), data))

    def do_GET(self):
        try:
            self.answer(self.path.partition('?')[0])
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.close_connection = True

    def part(self, tag, length):
        """Sends what is asked for of the body, if the client's tag is this one, but at most so many bytes."""
        start = 0
        if self.headers.get('If-Range') == tag and self.headers.get('Range'):
            start = int(self.headers['Range'].removeprefix('bytes=').rstrip('-'))
            self.head(206, Content_Length=SIZE - start, ETag=tag,
                      Content_Range='bytes %d-%d/%d' % (start, SIZE - 1, SIZE))
        else:
            self.head(200, Content_Length=SIZE, ETag=tag)
        self.wfile.write(BODY[start:start + length])

    def answer(self, path):
        asked = ASKED[path] = ASKED.get(path, 0) + 1
        http_base = 'http://127.0.0.1:%d' % PORTS['http']
        if path == '/normal':
            self.head(200, Content_Length=SIZE)
            self.wfile.write(BODY)
        elif path == '/empty':
            self.head(200, Content_Length=0)
        elif path == '/chunked':
            self.head(200, Transfer_Encoding='chunked')
            for i in range(0, SIZE, 65536):
                self.chunk(BODY[i:i + 65536])
            self.chunk(b'')
        elif path == '/close':  # no length at all, the end is the end of the connection
            self.head(200, Connection='close')
            self.wfile.write(BODY)
        elif path == '/truncated':
            self.head(200, Content_Length=SIZE + 1)
            self.wfile.write(BODY)
        elif path == '/truncated-chunked':
            self.head(200, Transfer_Encoding='chunked')
            self.chunk(BODY)
        elif path == '/endless':
            self.head(200, Transfer_Encoding='chunked')
            while True:
                self.chunk(BODY[:65536])
        elif path == '/promises-much':
            self.head(200, Content_Length=1 << 50)
            self.wfile.write(BODY[:1000])
        elif path == '/drip':  # slow loris: always a little, never the end
            self.head(200, Content_Length=SIZE)
            for i in range(600):
                self.wfile.write(BODY[i:i + 1])
                time.sleep(0.2)
        elif path == '/silent':
            time.sleep(120)
        elif path.startswith('/status/'):
            self.head(int(path[8:]), Content_Length=5)
            self.wfile.write(b'sorry')
        elif path == '/breaks':  # and goes on where it stopped
            self.part('"one"', SIZE // 3)
        elif path == '/breaks-changed':  # what comes then is another state of the file
            self.part('"%d"' % asked, SIZE // 3 if asked == 1 else SIZE)
        elif path == '/breaks-once':  # and cannot go on
            self.head(200, Content_Length=SIZE)
            self.wfile.write(BODY[:SIZE // 3 if asked == 1 else SIZE])
        elif path == '/breaks-weak':  # a weak tag does not say that bytes are the same
            self.part('W/"weak"', SIZE // 3 if asked == 1 else SIZE)
        elif path == '/busy':
            if asked == 1:
                self.head(503, Content_Length=0)
            else:
                self.part('"one"', SIZE)
        elif path == '/asked':  # how often the others were
            text = ' '.join('%s=%d' % item for item in sorted(ASKED.items()) if 'b' in item[0][:2]).encode()
            self.head(200, Content_Length=len(text))
            self.wfile.write(text)
        elif path == '/gzip':
            packed = gzip.compress(BODY, 1)
            self.head(200, Content_Encoding='gzip', Content_Length=len(packed))
            self.wfile.write(packed)
        elif path == '/gzip-damaged':
            packed = gzip.compress(BODY, 1)
            self.head(200, Content_Encoding='gzip', Content_Length=len(packed))
            self.wfile.write(packed[:1000] + bytes(len(packed) - 1000))
        elif path == '/unknown-encoding':
            self.head(200, Content_Encoding='rot13', Content_Length=SIZE)
            self.wfile.write(BODY)
        elif path.startswith('/nowhere/'):  # a redirect without Location
            self.head(int(path[9:]), Content_Length=5)
            self.wfile.write(b'sorry')
        elif path == '/nowhere-empty':
            self.head(302, Content_Length=0)
        elif path.startswith('/to-address/'):
            self.redirect('http://%s:%d/normal' % (path[12:], PORTS['http']))
        elif path == '/loop':
            self.redirect('/loop')
        elif path.startswith('/redirect/'):
            left = int(path[10:])
            self.redirect('/redirect/%d' % (left - 1) if left > 1 else '/normal')
        elif path == '/to-file':
            self.redirect('file:///etc/hostname')
        elif path == '/to-ftp':
            self.redirect('ftp://127.0.0.1:%d/normal' % PORTS['ftp'])
        elif path == '/to-http':
            self.redirect(http_base + '/normal')
        elif path == '/private':
            if self.headers.get('Authorization') == 'Basic ' + base64.b64encode(b'me:secret').decode():
                self.answer('/normal')
            else:
                self.head(401, Content_Length=0, WWW_Authenticate='Basic realm="x"')
        else:
            self.head(404, Content_Length=0)


class Ftp(socketserver.StreamRequestHandler):
    """As much of RFC 959 and 2428 as libcurl needs to read one file."""

    def say(self, text):
        self.wfile.write(text.encode() + b'\r\n')

    def handle(self):
        data = None
        self.say('220 hello')
        for line in self.rfile:
            verb, _, arg = line.decode().strip().partition(' ')
            found = arg.endswith('normal')
            if verb == 'USER':
                self.say('331 password')
            elif verb == 'PASS':
                self.say('230 welcome')
            elif verb == 'PWD':
                self.say('257 "/" is the folder')
            elif verb == 'EPSV':
                data = socket.create_server(('127.0.0.1', 0))
                self.say('229 Entering Extended Passive Mode (|||%d|)' % data.getsockname()[1])
            elif verb == 'TYPE':
                self.say('200 ok')
            elif verb == 'SIZE':
                self.say('213 %d' % SIZE if found else '550 no such file')
            elif verb == 'RETR' and found:
                self.say('150 here it comes')
                connection, _ = data.accept()
                connection.sendall(BODY)
                connection.close()
                self.say('226 done')
            elif verb == 'RETR':
                self.say('550 no such file')
            elif verb == 'QUIT':
                self.say('221 bye')
                return
            else:
                self.say('502 not here')


class HttpServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class FtpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


def certificate():
    path = os.path.join(FOLDER, 'cert.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=poolfs test',
                    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', os.path.join(FOLDER, 'key.pem'), '-out', path],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def main():
    servers = {'http': HttpServer(('127.0.0.1', 0), Handler), 'https': HttpServer(('127.0.0.1', 0), Handler),
               'ftp': FtpServer(('127.0.0.1', 0), Ftp)}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(), os.path.join(FOLDER, 'key.pem'))
    servers['https'].socket = context.wrap_socket(servers['https'].socket, server_side=True)
    for name, server in servers.items():
        PORTS[name] = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
    second = HttpServer(('127.0.0.2', PORTS['http']), Handler)  # the same at another address
    threading.Thread(target=second.serve_forever, daemon=True).start()
    print(PORTS['http'], PORTS['https'], PORTS['ftp'], flush=True)
    sys.stdin.read()
    os._exit(0)


main()
