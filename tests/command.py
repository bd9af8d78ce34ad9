"""The command `mmdualkd` as a file, which the warm process can run."""

from mmdualkd.cli.main import main

main()
