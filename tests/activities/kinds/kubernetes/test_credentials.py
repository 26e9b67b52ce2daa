"""Where the way to a cluster comes from, and what is said when there is none."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lightkube.resources.apps_v1 import Deployment

from activities.kinds.kubernetes.cluster import Clusters, NoClusterError
from tests.activities.kinds.kubernetes.conftest import WEB
from tests.stack.kubernetes import FakeCluster


def certificate(folder: Path) -> None:
    """Write ``ca.crt`` and ``key.pem`` of a server at 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    began = datetime.now(UTC) - timedelta(hours=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)


@pytest.fixture
async def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Path, FakeCluster]]:
    """The files of a service account, and the cluster that they are for, behind TLS."""
    certificate(tmp_path)
    (tmp_path / "token").write_text("account-token\n")
    (tmp_path / "namespace").write_text("lumen")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.crt", tmp_path / "key.pem")
    fake = FakeCluster(token="account-token")
    fake.put(WEB, spec={"selector": {}, "template": {}})
    await fake.start(context)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(fake.port))
    yield tmp_path, fake
    await fake.stop()


async def test_in_a_pod_the_service_account_is_used(account: tuple[Path, FakeCluster]) -> None:
    """Token and certificate of the pod; a token that Kubernetes exchanged is read anew."""
    folder, fake = account
    clusters = Clusters(service_account=str(folder))
    client = await clusters.client("")
    assert (await client.get(Deployment, "web", namespace="shop")).metadata is not None
    fake.token = "exchanged-token"
    (folder / "token").write_text("exchanged-token\n")
    assert (await client.get(Deployment, "web", namespace="shop")).metadata is not None
    await clusters.close()


async def test_a_context_is_a_client_made_once(cluster: FakeCluster, tmp_path: Path) -> None:
    """The file is read when it is first needed, and each context is kept until the end."""
    kubeconfig = tmp_path / "kubeconfig"
    clusters = Clusters(str(kubeconfig))
    cluster.kubeconfig(kubeconfig)
    here, named, elsewhere = [await clusters.client(context) for context in ("", "here", "elsewhere")]
    assert await clusters.client("") is here
    assert here.config.cluster.server == named.config.cluster.server == cluster.url
    assert elsewhere.config.cluster.server != cluster.url
    await clusters.close()


@pytest.mark.parametrize(
    ("content", "context", "problem"),
    [
        (None, "", "ConfigError: Configuration file"),
        ("", "there", "ConfigError: Context 'there' not found"),
        ("", "nobody", "names no user for this context"),
        ("[1, 2", "", "cannot be used: ParserError"),
        ("users: secret-token", "", "cannot be used: KeyError"),
        ("- secret-token", "", "cannot be used: AttributeError"),
        ("{clusters: [{name: a, cluster: {server: 7}}], contexts: [], token: secret-token}", "", "ValidationError"),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used_is_named(
    cluster: FakeCluster, tmp_path: Path, content: str | None, context: str, problem: str
) -> None:
    """The reason names the file and never quotes it: a parser would quote a token."""
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content or cluster.kubeconfig(path).read_text())
    with pytest.raises(NoClusterError) as caught:
        await Clusters(str(path)).client(context)
    assert str(caught.value).startswith(f"LUMEN_KUBECONFIG {path}")
    assert problem in str(caught.value)
    assert "secret-token" not in str(caught.value)


async def test_without_credentials_nothing_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the home directory nor KUBECONFIG is looked at: a cluster is never acted on by accident."""
    monkeypatch.setenv("KUBECONFIG", str(FakeCluster().kubeconfig(tmp_path / "mine")))
    with pytest.raises(NoClusterError, match="no credentials of a cluster: set LUMEN_KUBECONFIG"):
        await Clusters(service_account=str(tmp_path / "nothing")).client("")


async def test_a_context_needs_a_kubeconfig(tmp_path: Path) -> None:
    """A pod knows one cluster, without a name."""
    with pytest.raises(NoClusterError, match="a context needs a kubeconfig"):
        await Clusters(service_account=str(tmp_path)).client("prod")


async def test_an_account_outside_of_a_cluster_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are there, and nothing says where the cluster is."""
    (tmp_path / "token").write_text("secret-token")
    (tmp_path / "namespace").write_text("lumen")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(NoClusterError, match="the service account of this pod cannot be used: KeyError"):
        await Clusters(service_account=str(tmp_path)).client("")
