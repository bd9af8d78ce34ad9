"""Weights of teachers, from addresses: a server on loopback."""

import functools
import hashlib
import http.server
import io
import os
import socket
import struct
import threading

import pytest
import torch
from two_processes import run_two
from weights import KEY, cut_zip, same, small

from mmdualkd.errors import CheckpointError
from mmdualkd.zoo.download import cached_path, download
from mmdualkd.zoo.weights import load_teacher_weights


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder served over HTTP on loopback; requests are counted. The cache is the test's own."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    folder = tmp_path / 'served'
    folder.mkdir()
    requests = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            if not httpd.cut:
                return super().do_GET()
            content = (folder / self.path.strip('/')).read_bytes()
            self.send_response(200)
            self.send_header('Content-Length', str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            if httpd.cut == 'is reset':
                linger = struct.pack('ii', 1, 0)  # closing the connection then sends RST
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True

        def log_message(self, *args):
            pass

    httpd = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    httpd.folder, httpd.requests, httpd.cut = folder, requests, ''
    httpd.url = f'http://127.0.0.1:{httpd.server_address[1]}'
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_a_download_is_fetched_once_and_then_comes_from_the_cache(server, capfd):
    source = small()
    torch.save(source.state_dict(), server.folder / 'a.pth')
    for _ in range(2):
        target = small()
        load_teacher_weights(target, f'{server.url}/a.pth', KEY)
        assert same(target, source.state_dict())
    assert server.requests == ['/a.pth']
    assert '100%' in capfd.readouterr().err  # the progress bar


def test_two_addresses_with_one_file_name_are_two_files_in_the_cache(server, name='best.pth'):
    models = {}
    for folder in ('vit', 'cnn'):
        (server.folder / folder).mkdir()
        models[folder] = small()
        torch.save(models[folder].state_dict(), server.folder / folder / name)
    for folder, model in models.items():
        target = small()
        load_teacher_weights(target, f'{server.url}/{folder}/{name}', KEY)
        assert same(target, model.state_dict())


def cached(tmp_path):
    return {path.name for path in (tmp_path / 'cache' / 'hub' / 'checkpoints').iterdir()}


def test_names_that_end_in_a_date_are_two_files_in_the_cache(server):
    """Eight digits are a hash by their look."""
    test_two_addresses_with_one_file_name_are_two_files_in_the_cache(server, 'best-20230101.pth')


def test_a_zoo_file_keeps_its_name_in_the_cache_and_its_hash_is_compared(server, tmp_path):
    content = io.BytesIO()
    torch.save(small().state_dict(), content)
    name = f'a_20201027-{hashlib.sha256(content.getvalue()).hexdigest()[:8]}.pth'
    (server.folder / name).write_bytes(content.getvalue())
    load_teacher_weights(small(), f'{server.url}/{name}', KEY)
    assert cached(tmp_path) == {name}
    (tmp_path / 'cache' / 'hub' / 'checkpoints' / name).write_bytes(b'damaged')  # is downloaded again
    load_teacher_weights(small(), f'{server.url}/{name}', KEY)
    assert server.requests == [f'/{name}'] * 2
    (server.folder / 'a_20201027-623825a0.pth').write_bytes(content.getvalue())
    with pytest.raises(CheckpointError, match=rf'{KEY}=.* begins its SHA-256 with {name[-12:-4]}, its name says 62382'):
        load_teacher_weights(small(), f'{server.url}/a_20201027-623825a0.pth', KEY)
    assert cached(tmp_path) == {name}


@pytest.mark.parametrize('how', ['ends early', 'is reset'])
def test_a_download_that_is_cut_off_leaves_nothing_and_the_next_try_works(server, tmp_path, how):
    source = small()
    torch.save(source.state_dict(), server.folder / 'a.pth')
    server.cut = how
    with pytest.raises(CheckpointError, match=rf"{KEY}='.*a\.pth' cannot be downloaded: .*(cut off after|reset)"):
        load_teacher_weights(small(), f'{server.url}/a.pth', KEY)
    assert not cached(tmp_path)
    server.cut = ''
    target = small()
    load_teacher_weights(target, f'{server.url}/a.pth', KEY)
    assert same(target, source.state_dict())


def test_a_missing_address_is_one_clear_error(server):
    with pytest.raises(CheckpointError, match=rf"{KEY}='{server.url}/none.pth' cannot be downloaded: .*404"):
        load_teacher_weights(small(), f'{server.url}/none.pth', KEY)


def test_an_unreachable_server_is_one_clear_error_that_says_where_the_file_would_be_found(server):
    server.server_close()
    server.shutdown()
    place = cached_path(f'{server.url}/a.pth')
    with pytest.raises(CheckpointError, match=rf"{KEY}=.* cannot be downloaded.* put the file at '{place}'"):
        load_teacher_weights(small(), f'{server.url}/a.pth', KEY)


def test_a_file_that_was_put_into_the_cache_damaged_is_told_of(server):
    address = f'{server.url}/a_20201027-623825a0.pth'
    cached_path(address).parent.mkdir(parents=True)
    cached_path(address).write_bytes(b'half')
    with pytest.raises(
        CheckpointError, match=r'404.*the one there is damaged \(its SHA-256 begins with \w{8}, not 6238'
    ):
        load_teacher_weights(small(), address, KEY)
    assert cached_path(address).read_bytes() == b'half'


def test_a_cache_that_cannot_be_written_is_one_clear_error(server, tmp_path, monkeypatch):
    (tmp_path / 'file').touch()
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'file'))
    with pytest.raises(CheckpointError, match=rf'{KEY}=.* cannot be downloaded: .*TORCH_HOME'):
        load_teacher_weights(small(), f'{server.url}/a.pth', KEY)


def test_a_download_that_is_no_checkpoint_does_not_stay_in_the_cache(server):
    (server.folder / 'a.pth').write_bytes(cut_zip())
    with pytest.raises(CheckpointError, match=KEY):
        load_teacher_weights(small(), f'{server.url}/a.pth', KEY)
    source = small()
    torch.save(source.state_dict(), server.folder / 'a.pth')
    target = small()
    load_teacher_weights(target, f'{server.url}/a.pth', KEY)
    assert same(target, source.state_dict())


def loads(rank, url):
    """What each of two processes does with weights that are there and with others that are not."""
    os.environ.pop('LOCAL_RANK')
    model = torch.nn.Linear(2, 3)
    load_teacher_weights(model, f'{url}/a.pth', 'k')
    with pytest.raises(CheckpointError, match='first process could not download it' if rank else '404'):
        load_teacher_weights(model, f'{url}/none.pth', 'k')
    return model.weight.detach()


def test_of_two_processes_the_first_downloads_and_neither_hangs_on_a_missing_address(server, tmp_path):
    torch.save(dict(weight=torch.ones(3, 2), bias=torch.zeros(3)), server.folder / 'a.pth')
    for weight in run_two(loads, tmp_path, server.url):
        assert torch.equal(weight, torch.ones(3, 2))
    assert server.requests.count('/a.pth') == 1


def test_the_other_processes_take_only_what_the_first_has_checked(server, monkeypatch):
    (server.folder / 'm_20201027-deadbeef.pth').write_bytes(b'not what was published')
    monkeypatch.setenv('LOCAL_RANK', '1')
    with pytest.raises(CheckpointError, match="k=.*: this machine's first process could not download it"):
        download(f'{server.url}/m_20201027-deadbeef.pth', 'k')
    assert not server.requests
