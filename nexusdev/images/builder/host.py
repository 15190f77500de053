"""The host's CA bundle, proxies and mirrors for a build: mounted or set while a command runs, never left in an image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from nexusdev.runtimes.image_store import CACHE_LABEL, BuildMounts
from nexusdev.util.files import make_folder, replace

CACHE_LABELS = {CACHE_LABEL: "go"}

_PASSED = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "GOPROXY",
    "GOFLAGS",
    "GOSUMDB",
    "GOPRIVATE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOINSECURE",
)
_BUNDLE_VARIABLES = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_BUNDLES = ("etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt", "etc/ssl/cert.pem")
_BUNDLE_TARGET = "/run/host/ca.crt"
_TRUSTING = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO")

_OFFICIAL = "deb.debian.org"
_MIRROR = re.compile(r"https?://[^\s\]]+/debian/?(?=\s|$)", re.MULTILINE)
_SECURITY_MIRROR = re.compile(r"https?://[^\s\]]+/debian-security/?(?=\s|$)", re.MULTILINE)
_APT_OPTION = re.compile(r"""^\s*Acquire::[^#\n]*?(?:Proxy|Check-Valid-Until|Check-Date)[^\n]*;\s*$""", re.MULTILINE)
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Host(Struct, frozen=True, kw_only=True):
    """The settings of this machine that a build uses.

    Attributes:
        folder: Folder for generated files that are mounted; they may contain private data.
    """

    environ: Mapping[str, str]
    folder: Path
    root: Path = Path("/")

    def mounts(self, cache: str = "") -> BuildMounts:
        """Return the mounts and variables of one build container. ``cache``: a volume; '' for none."""
        mounts = {self.apt_configuration(): "/run/host/apt.conf"}
        environment = {name: self.environ[name] for name in _PASSED if self.environ.get(name)}
        environment["APT_CONFIG"] = "/run/host/apt.conf"
        if bundle := self.bundle():
            mounts[bundle] = _BUNDLE_TARGET
            environment |= dict.fromkeys(_TRUSTING, _BUNDLE_TARGET)
        if self.mirror():
            mounts[self._sources()] = "/run/host/sources.list"
        if cache:
            environment |= {"GOMODCACHE": "/cache/mod", "GOCACHE": "/cache/build"}
        return BuildMounts(environment=environment, mounts=mounts, volumes={cache: "/cache"} if cache else {})

    def bundle(self) -> Path | None:
        """Return the certificate bundle of this machine; None if there is none."""
        named = [Path(self.environ[name]) for name in _BUNDLE_VARIABLES if self.environ.get(name)]
        candidates = [*named, *(self.root / path for path in _BUNDLES)]
        return next((path.resolve() for path in candidates if path.is_file()), None)

    def mirror(self) -> str:
        """Return the Debian mirror of this machine; '' if it is Debian's own address or the machine does not run Debian."""
        return self._mirror(_MIRROR)

    def apt_configuration(self) -> Path:
        """Write and return a file for APT_CONFIG: the connection to the mirror and the list of sources."""
        lines = ["// How the host's apt reaches its mirror"]
        if self.bundle():
            lines.append(f'Acquire::https::CAInfo "{_BUNDLE_TARGET}";')
        if self.mirror():
            lines += ['Dir::Etc::SourceList "/run/host/sources.list";', 'Dir::Etc::SourceParts "/run/host/none";']
        for file in sorted((self.root / "etc/apt/apt.conf.d").glob("*")):
            lines += [option.strip() for option in _APT_OPTION.findall(_read(file))]
        return self._write("apt.conf", lines)

    def _sources(self) -> Path:
        main = self.mirror().rstrip("/")
        security = (self._mirror(_SECURITY_MIRROR) or f"http://{_OFFICIAL}/debian-security").rstrip("/")
        archives = [(main, f"trixie{part}") for part in ("", "-updates", "-backports")]
        archives.append((security, "trixie-security"))
        return self._write(
            "sources.list", [f"deb [signed-by={_KEYRING}] {url} {suite} main" for url, suite in archives]
        )

    def _mirror(self, pattern: re.Pattern[str]) -> str:
        for text in self._apt_sources():
            if (found := pattern.search(text)) and f"//{_OFFICIAL}/" not in found[0]:
                return found[0]
        return ""

    def _apt_sources(self) -> Iterator[str]:
        folder = self.root / "etc/apt"
        for file in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
            yield "\n".join(line for line in _read(file).splitlines() if not line.lstrip().startswith("#"))

    def _write(self, name: str, lines: list[str]) -> Path:
        path = self.folder / name
        make_folder(self.folder)
        replace(path, "\n".join(lines) + "\n")
        return path


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
