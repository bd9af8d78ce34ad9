"""The launch scripts' words; whole jobs through them are in test_distillation_job.py and test_image_job.py."""

import pytest
from helpers import TOOLS, environment, run


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh'])
def test_a_script_without_arguments_says_how_it_is_called(script):
    assert f'bash tools/{script} ' in run('bash', TOOLS / script, ok=False)


def test_the_slurm_script_hands_resources_and_flags_to_srun(tmp_path):
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\necho "$@"\n')
    srun.chmod(0o755)
    env = environment()
    env.update(PATH=f'{tmp_path}:{env["PATH"]}', GPUS='4', SRUN_ARGS='--qos=high --time=1:00')
    words = run('bash', TOOLS / 'slurm_train.sh', 'part', 'job', 'c.py', '--amp', env=env).split()
    assert words[:3] == ['-p', 'part', '--job-name=job']
    assert {'--gres=gpu:4', '--ntasks=4', '--ntasks-per-node=4', '--qos=high', '--time=1:00'} <= set(words)
    assert words[-5:][1:] == ['c.py', '--launcher', 'slurm', '--amp']
