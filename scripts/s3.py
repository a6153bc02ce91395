"""A throw-away server that speaks S3, for the tests and for trying things out.

    scripts/python.sh run -- python scripts/s3.py run -- COMMAND...

runs COMMAND with the server's address, and ends with it. COMMAND finds in its environment

    WHYTRACE_TEST_S3_ENDPOINT  the address of the server, on loopback and without TLS
    WHYTRACE_TEST_S3_BUCKET    an empty bucket
    WHYTRACE_TEST_S3_KEY       the id of an access key that may do everything there
    WHYTRACE_TEST_S3_SECRET    its secret

The server is moto's, in memory. What it really has of S3: single objects (get, head, put, delete), listings in pages
and by delimiter, ETags, If-None-Match and If-Match on puts, signatures that are checked, and XML errors. What it has
not, and is added here: requests are answered one after the other, so that a condition still holds when its put is done.
What remains untested: TLS, virtual-hosted addresses, the 409 of puts that meet, and roles.
"""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import Any

BUCKET = "whytrace-test"


def main() -> int:
    if sys.argv[1:3] != ["run", "--"] or len(sys.argv) < 4:
        print("usage: s3.py run -- COMMAND...", file=sys.stderr)
        return 2
    # Read by moto when it is imported: how many requests it takes before it looks at signatures.
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
    port = serve()
    key, secret = prepare(f"http://127.0.0.1:{port}")
    environment = os.environ | {
        "WHYTRACE_TEST_S3_ENDPOINT": f"http://127.0.0.1:{port}",
        "WHYTRACE_TEST_S3_BUCKET": BUCKET,
        "WHYTRACE_TEST_S3_KEY": key,
        "WHYTRACE_TEST_S3_SECRET": secret,
    }
    del environment["INITIAL_NO_AUTH_ACTION_COUNT"]
    return subprocess.run(sys.argv[3:], env=environment, check=False).returncode


def serve() -> int:
    """Starts the server, on a port of the system's choice."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):
        def log(self, *_: Any) -> None:
            """Says nothing of single requests."""

    application = DomainDispatcherApplication(create_backend_app)
    one_at_a_time = threading.Lock()

    def in_turn(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # Read before the turn, so that a client that stops half-way holds up nobody.
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        with one_at_a_time:
            return list(application(environ, start_response))

    server = make_server("127.0.0.1", 0, in_turn, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def prepare(endpoint: str) -> tuple[str, str]:
    """Makes the bucket and a user who may use it, with the requests that need no signature."""
    import boto3  # type: ignore[import-untyped]

    known = {
        "endpoint_url": endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": "anybody",
        "aws_secret_access_key": "anything",
    }
    boto3.client("s3", **known).create_bucket(Bucket=BUCKET)
    users = boto3.client("iam", **known)
    users.create_user(UserName="whytrace")
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    users.put_user_policy(UserName="whytrace", PolicyName="all", PolicyDocument=json.dumps(policy))
    made = users.create_access_key(UserName="whytrace")["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


if __name__ == "__main__":
    sys.exit(main())
