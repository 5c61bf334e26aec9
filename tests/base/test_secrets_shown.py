"""What commands that show secrets print keeps none that is known."""

import base64
import json

import pytest

from watchkeeper.base.secrets import MASK, Scrubber, Secret

PASSWORD = "s3cret/pass+word=&'x"
SHOWN = {
    "printenv": f"HOME=/srv\nDATABASE_PASSWORD={PASSWORD}\n",
    "cat .env": f"DATABASE_URL=postgres://shop:{PASSWORD}@db/shop\n",
    "kubectl get secret -o yaml": f"data:\n  password: {base64.b64encode(PASSWORD.encode()).decode()}\n",
    "kubectl get secret of a whole .env": "  env: " + base64.b64encode(f"A=1\nPW={PASSWORD}\nB=2\n".encode()).decode(),
    "docker inspect": json.dumps({"Env": ["PATH=/bin", f"PW={PASSWORD}"]}, indent=2),
}


@pytest.mark.parametrize("command", SHOWN)
def test_a_known_secret_is_taken_out(command: str) -> None:
    clean = Scrubber([Secret(PASSWORD)]).clean(SHOWN[command])
    assert MASK in clean
    assert PASSWORD not in clean
    assert base64.b64encode(PASSWORD.encode()).decode().rstrip("=") not in clean
