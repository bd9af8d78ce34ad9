"""Metadata of the package; `requirements/` pins the versions that are tried together.

`mmdualkd/.mim` holds links to `configs/` and `tools/`. A wheel gets the files behind them, which is where MMEngine
looks for `_base_ = ['mmdualkd::dualkd/...py']`; an editable install and a clone on `PYTHONPATH` use the links.
Beside the package an install gets `mmdualkd-bases.pth`, by which processes that have not imported it find such bases
(`mmdualkd/compat/startup.py`).
"""

from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
README = HERE / 'README.md'
VERSION: dict = {}
exec((HERE / 'mmdualkd' / 'version.py').read_text(encoding='utf-8'), VERSION)


class BuildWithBases(build_py):
    """Writes `mmdualkd-bases.pth` beside the package, for an editable install where its wheel is put together."""

    def run(self):
        super().run()
        folder = self.get_finalized_command('install').install_lib if self.editable_mode else self.build_lib
        source = (HERE / 'mmdualkd' / 'compat' / 'startup.py').read_text(encoding='ascii')
        startup: dict = {}
        exec(source, startup)
        Path(folder, 'mmdualkd-bases.pth').write_text(startup['LINE'].replace('SOURCE', repr(source)), encoding='ascii')


setup(
    name='mmdualkd',
    version=VERSION['__version__'],
    description='Dual-teacher and cross-architecture knowledge distillation for MMAction2 and MMPretrain',
    long_description=README.read_text(encoding='utf-8') if README.exists() else '',
    long_description_content_type='text/markdown',
    author='The mmdualkd developers',
    license='Apache-2.0',
    license_files=['LICENSE'],
    keywords='knowledge distillation, action recognition, video, MMAction2, MMPretrain',
    classifiers=[
        'Development Status :: 3 - Alpha',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    packages=find_packages(include=['mmdualkd', 'mmdualkd.*']),
    package_data={'mmdualkd': ['.mim/**/*']},
    exclude_package_data={'': ['*.pyc', '*.pyo']},
    python_requires='>=3.10',
    # Neither mmcv nor mmcv-lite: they are two packages of one import name, so the one that is there must stay.
    install_requires=[
        'torch>=2.6,<3',
        'mmengine>=0.10.4,<1',
        'mmaction2>=1.2,<1.3',
        'mmpretrain>=1.2,<2',
        'decord>=0.6',
        'numpy',
        'scipy>=1.15',  # bootstrap takes an rng
        'matplotlib',
        'argcomplete>=3',
        'setuptools<81',  # MMEngine needs pkg_resources
    ],
    extras_require={
        'lite': ['mmcv-lite>=2.0.0rc4,<2.2.0'],
        'full': ['mmcv>=2.0.0rc4,<2.2.0'],
        'onnx': ['onnx', 'onnxruntime'],
        'tensorboard': ['tensorboard'],
        'docs': ['sphinx>=9', 'furo', 'myst-nb', 'latex2mathml', 'nbclient', 'nbformat', 'ipykernel'],
        'tests': ['pytest', 'pytest-xdist', 'ruff', 'timm', 'onnx', 'onnxruntime', 'tensorboard'],
    },
    cmdclass={'build_py': BuildWithBases},
    entry_points={'console_scripts': ['mmdualkd = mmdualkd.cli.main:main']},
    zip_safe=False,
)
