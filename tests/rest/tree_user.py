"""A local user at work in a mount, as the program that `try-foreign` compares with a REST client.

Each request is made by a child process with the user's ids, since a process must not change them back and forth.
"""
import errno
import json
import os
import re
import stat
import sys
import urllib.parse

NOT_FOUND = re.compile(r'not found|does not exist')


class TreeUser:
    def __init__(self, mount, uid):
        self.mount = mount
        ask, self.requests = os.pipe()
        self.answers, answer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.requests), os.close(self.answers)
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            self.serve(os.fdopen(ask), os.fdopen(answer, 'w'))
            os._exit(0)
        os.close(ask), os.close(answer)
        self.requests, self.answers = os.fdopen(self.requests, 'w'), os.fdopen(self.answers)

    def end(self):
        self.requests.close()
        os.waitpid(self.pid, 0)

    def serve(self, requests, answers):
        for line in requests:
            name, arguments = json.loads(line)
            print(json.dumps(getattr(self, 'do_' + name)(*arguments)), file=answers, flush=True)

    def ask(self, name, *arguments):
        print(json.dumps([name, arguments]), file=self.requests, flush=True)
        return json.loads(self.answers.readline())

    # ------------------------------------------------------------------------------------ in the child process

    def last_error(self):
        with open(self.mount + '/last-error') as f:
            return f.read().strip()

    def do_read(self, path):
        """[errno or 'OK', where it failed, content or sentence]"""
        try:
            with open(f'{self.mount}/{path}', errors='replace') as f:
                return ['OK', '', f.read()]
        except OSError as e:
            return [errno.errorcode[e.errno], 'read', self.last_error()]

    def do_write(self, path, text):
        """The same of a request, which may be refused as late as by close(2); the content is the descriptor's answer."""
        where, content = 'open', ''
        try:
            fd = os.open(f'{self.mount}/{path}', os.O_RDWR)
            where = 'write'
            try:
                os.write(fd, text.encode())
                content = os.pread(fd, 1 << 20, 0).decode()
            finally:
                os.close(fd)
        except OSError as e:
            return [errno.errorcode[e.errno], where, '' if where == 'open' else self.last_error()]
        return ['OK', '', content]

    def do_walk(self, top):
        """All names below the folder, and all content that can be read: [[path, text], ...]."""
        seen = []
        for folder, folders, files in os.walk(f'{self.mount}/{top}'):
            seen.append([folder, '\n'.join(folders + files)])
            if '/where/' in folder:
                folders.clear() # each condition has all others below it
            for name in folders + files:
                path = os.path.join(folder, name)
                try:
                    if os.path.islink(path):
                        seen.append([path, os.readlink(path)])
                        continue
                    if not stat.S_ISREG(os.lstat(path).st_mode) or name == 'data':
                        continue
                    with open(path, errors='replace') as f:
                        seen.append([path, f.read(1 << 20)])
                except OSError:
                    pass
        return seen

    def do_touch(self, paths):
        """Tries to read, write, list and look at the attributes of each of the paths: what is not refused."""
        allowed = []
        for path in paths:
            full = f'{self.mount}/{path}'
            for what, function in (('read', lambda: os.close(os.open(full, os.O_RDONLY))),
                                   ('write', lambda: os.close(os.open(full, os.O_WRONLY))),
                                   ('truncate', lambda: os.truncate(full, 0)), ('list', lambda: os.listdir(full)),
                                   ('chmod', lambda: os.chmod(full, 0o777)), ('chown', lambda: os.chown(full, os.getuid(), -1)),
                                   ('times', lambda: os.utime(full, (1, 1))), ('unlink', lambda: os.unlink(full)),
                                   ('xattrs', lambda: os.getxattr(full, 'user.x')),
                                   ('set xattr', lambda: os.setxattr(full, 'user.x', b'1'))):
                try:
                    function()
                    allowed.append([path, what])
                except OSError as e:
                    if e.errno not in (errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.ENOENT):
                        allowed.append([path, f'{what}: {errno.errorcode[e.errno]}'])
        return allowed

    # ------------------------------------------------------------------------------------------ operations

    def send(self, op, values):
        """The operation as files have it: [errno or 'OK', where, text]; None if no file has it."""
        path, values = op.get('file'), dict(values)
        if not path:
            return None
        for name in re.findall(r'{(\w+)}', path):
            path = path.replace('{' + name + '}', str(values.pop(name)))
        if path.endswith('/spec'):
            return self.ask('write', path, values['spec'])
        if path.endswith('/actions') or path.endswith('/create'):
            return self.ask('write', path, json.dumps({op.get('verb') or 'params': values}))
        query = urllib.parse.urlencode(values, doseq=True, safe='/')
        return self.ask('read', path + ('?' + query if query else ''))

    def call(self, op, values=None, query=None):
        """The operation through `call`: [word, text]."""
        document = {'operation': op['name'], 'params': values or {}}
        if query is not None:
            document['query'] = query
        number, _, text = self.ask('write', 'sessions/call', json.dumps(document))
        if number != 'OK':
            sys.exit(f'a call fails with {number}: {text}')
        word, _, text = text.partition('\n')
        return [word, text.strip()]


def target(op):
    """The parameter that stands in the path of the operation's file."""
    names = re.findall(r'{(\w+)}', op.get('file') or '')
    return names[0] if names else None


def refusal_class(text):
    """What kind of refusal the text of an answer is, as an errno."""
    return 'EACCES' if 'ID.1002' in text else 'ENOENT' if NOT_FOUND.search(text) else text[:200]


def sentence(text):
    """The sentence of an error as REST answers it: that of the outermost error."""
    error = json.loads(text).get('error', {})
    return ' '.join(error.get('details', '').split())
