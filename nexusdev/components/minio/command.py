"""What ``nexusdev s3 --help`` prints."""

HELP = """\
Run s3cmd with the application's access key.

\b
nexusdev s3 ls
nexusdev s3 ls s3://nexus-app-data
nexusdev s3 put - s3://nexus-app-data/hello < hello.txt
"""
