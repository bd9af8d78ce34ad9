"""Weights of teachers, from addresses: a server on loopback."""

import functools
import http.server
import subprocess
import sys
import threading

import pytest
import torch
from helpers import environment, free_port
from weights import KEY, cut_zip, same, small

from mmdualkd.errors import CheckpointError
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
            super().do_GET()

        def log_message(self, *args):
            pass

    httpd = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    httpd.folder, httpd.requests = folder, requests
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


def test_two_addresses_with_one_file_name_are_two_files_in_the_cache(server):
    models = {}
    for folder in ('vit', 'cnn'):
        (server.folder / folder).mkdir()
        models[folder] = small()
        torch.save(models[folder].state_dict(), server.folder / folder / 'best.pth')
    for folder, model in models.items():
        target = small()
        load_teacher_weights(target, f'{server.url}/{folder}/best.pth', KEY)
        assert same(target, model.state_dict())


def test_a_zoo_file_keeps_its_name_in_the_cache(server, tmp_path):
    torch.save(small().state_dict(), server.folder / 'a_20201027-623825a0.pth')
    load_teacher_weights(small(), f'{server.url}/a_20201027-623825a0.pth', KEY)
    assert (tmp_path / 'cache' / 'hub' / 'checkpoints' / 'a_20201027-623825a0.pth').is_file()


def test_a_missing_address_is_one_clear_error(server):
    with pytest.raises(CheckpointError, match=rf"{KEY}='{server.url}/none.pth' cannot be downloaded: .*404"):
        load_teacher_weights(small(), f'{server.url}/none.pth', KEY)


def test_an_unreachable_server_is_one_clear_error(server):
    server.server_close()
    server.shutdown()
    with pytest.raises(CheckpointError, match=rf'{KEY}=.* cannot be downloaded'):
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


TWO_PROCESSES = """
import sys
import torch
import mmdualkd
from mmdualkd.errors import CheckpointError
from mmdualkd.zoo.weights import load_teacher_weights
rank, port, url = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
model = torch.nn.Linear(2, 3)
load_teacher_weights(model, f'{url}/a.pth', 'k')
assert torch.equal(model.weight, torch.ones(3, 2))
try:
    load_teacher_weights(model, f'{url}/none.pth', 'k')
except CheckpointError as error:
    assert '404' in str(error)
else:
    raise AssertionError('no error')
torch.distributed.destroy_process_group()
"""


def test_of_two_processes_the_first_downloads_and_neither_hangs_on_a_missing_address(server):
    torch.save(dict(weight=torch.ones(3, 2), bias=torch.zeros(3)), server.folder / 'a.pth')
    port = free_port()
    environ = {name: value for name, value in environment().items() if name != 'LOCAL_RANK'}
    processes = [
        subprocess.Popen([sys.executable, '-c', TWO_PROCESSES, str(rank), port, server.url], env=environ)
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert server.requests.count('/a.pth') == 1
