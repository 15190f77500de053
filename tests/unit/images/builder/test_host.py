"""What the host lends to a build: trust, proxies and mirrors, mounted or set, and nothing else."""

from __future__ import annotations

from pathlib import Path

from nexusdev.images.builder.host import Host


def make_host(tmp_path: Path, files: dict[str, str] | None = None, **environ: str) -> Host:
    for name, content in (files or {}).items():
        file = tmp_path / "root" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return Host(environ=environ, folder=tmp_path / "build", root=tmp_path / "root")


def test_the_ca_bundle_of_the_host_is_mounted_and_named(tmp_path: Path) -> None:
    mounts = make_host(tmp_path, {"etc/ssl/certs/ca-certificates.crt": "PEM"}).mounts()
    assert mounts.mounts[tmp_path / "root/etc/ssl/certs/ca-certificates.crt"] == "/run/host/ca.crt"
    assert mounts.environment["SSL_CERT_FILE"] == mounts.environment["PIP_CERT"] == "/run/host/ca.crt"


def test_a_ca_bundle_from_the_environment_takes_precedence(tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_text("PEM")
    host = make_host(tmp_path, {"etc/ssl/certs/ca-certificates.crt": "PEM"}, SSL_CERT_FILE=str(own))
    assert host.bundle() == own


def test_proxy_variables_are_passed_and_others_are_not(tmp_path: Path) -> None:
    environ = {"GOPROXY": "https://goproxy.example", "HTTPS_PROXY": "http://proxy:3128", "TOKEN": "secret"}
    environment = make_host(tmp_path, None, **environ).mounts().environment
    assert {name: environment[name] for name in ("GOPROXY", "HTTPS_PROXY")} == {
        "GOPROXY": "https://goproxy.example",
        "HTTPS_PROXY": "http://proxy:3128",
    }
    assert "TOKEN" not in environment


def test_a_mirror_of_the_host_serves_trixie_to_the_build(tmp_path: Path) -> None:
    sources = "Types: deb\n# URIs: http://old/debian\nURIs: https://mirror.example/debian/\nSuites: bookworm\n"
    host = make_host(tmp_path, {"etc/apt/sources.list.d/debian.sources": sources})
    mounts = host.mounts()
    assert mounts.mounts[tmp_path / "build/sources.list"] == "/run/host/sources.list"
    written = (tmp_path / "build/sources.list").read_text()
    assert "https://mirror.example/debian trixie main" in written
    assert "bookworm" not in written
    assert 'Dir::Etc::SourceList "/run/host/sources.list";' in (tmp_path / "build/apt.conf").read_text()


def test_the_default_debian_address_is_not_a_mirror(tmp_path: Path) -> None:
    host = make_host(tmp_path, {"etc/apt/sources.list": "deb http://deb.debian.org/debian bookworm main\n"})
    assert host.mirror() == ""
    assert "/run/host/sources.list" not in host.mounts().mounts.values()


def test_apt_mirror_settings_are_passed_on(tmp_path: Path) -> None:
    conf = '// a comment\nAcquire::http::Proxy "http://cache:3142";\nAPT::Install-Suggests "true";\n'
    host = make_host(tmp_path, {"etc/apt/apt.conf.d/30proxy": conf})
    assert host.apt_configuration().read_text().splitlines()[1:] == ['Acquire::http::Proxy "http://cache:3142";']
    assert host.apt_configuration().stat().st_mode & 0o777 == 0o600


def test_a_cache_volume_is_known_to_the_compiler(tmp_path: Path) -> None:
    mounts = make_host(tmp_path).mounts("go-cache")
    assert mounts.volumes == {"go-cache": "/cache"}
    assert mounts.environment["GOMODCACHE"] == "/cache/mod"
