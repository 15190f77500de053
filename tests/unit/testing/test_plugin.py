"""The pytest plugin without an instance: its options, what it says where there is none, and what loading it costs."""

from __future__ import annotations

import sys

import pytest

from tests.imports import imported_by

pytest_plugins = ["pytester"]

#: With ``auto``, a throw-away stack would be started where an engine runs.
PLUGIN = ("-p", "no:cacheprovider", "-p", "no:xdist", "--nexus=attach")


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project without an instance, with two tests that need one and one that does not."""
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(pytester.path / "state"))
    pytester.makepyfile(
        """
        def test_database(nexus_pg):
            pass

        def test_cache(nexus_redis):
            pass

        def test_sum():
            assert 1 + 1 == 2
        """
    )
    return pytester


def test_loading_the_plugin_imports_only_the_standard_library_and_pytest() -> None:
    before = imported_by("import pytest")
    new = {name.partition(".")[0] for name in imported_by("import nexusdev.testing.plugin") - before}
    assert new - set(sys.stdlib_module_names) == {"nexusdev"}


@pytest.mark.parametrize("is_ci", [False, True], ids=["terminal", "ci"])
def test_a_missing_instance_is_explained_once_in_five_lines(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, is_ci: bool
) -> None:
    for name in ("CI", "BUILD_NUMBER"):  # pytest prints whole messages in its summary if one of them is set
        monkeypatch.delenv(name, raising=False)
    if is_ci:
        monkeypatch.setenv("CI", "true")
    result = suite.runpytest_subprocess(*PLUGIN)
    result.assert_outcomes(passed=1, errors=2)
    text = result.stdout.str()
    assert "(see the first test that needed it)" in text
    assert text.count("  tried    to attach to the instance of") == 1
    assert text.count("--nexus-missing=skip to skip these tests") == 1


def test_tests_are_skipped_on_request(suite: pytest.Pytester) -> None:
    suite.runpytest_subprocess(*PLUGIN, "--nexus-missing=skip").assert_outcomes(passed=1, skipped=2)


def test_off_skips_without_looking_for_an_instance(suite: pytest.Pytester) -> None:
    suite.runpytest_subprocess(*PLUGIN, "--nexus=off").assert_outcomes(passed=1, skipped=2)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--nexus=attch", "--nexus=attch: expected one of auto, attach, up, ephemeral, off"),
        ("--nexus-tier=large", "--nexus-tier=large: expected one of lite, ha"),
        ("--nexus-missing=ignore", "--nexus-missing=ignore: expected one of fail, skip"),
    ],
)
def test_an_unknown_option_value_is_refused_before_any_test(suite: pytest.Pytester, option: str, says: str) -> None:
    result = suite.runpytest_subprocess(*PLUGIN, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert says in result.stderr.str()


def test_a_marker_with_an_unknown_argument_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.nexus(migration='x')\ndef test_it():\n    pass\n")
    assert "the marker nexus only takes migrations=" in pytester.runpytest_subprocess(*PLUGIN).stdout.str()


@pytest.mark.parametrize(
    ("fixture", "scope", "says"),
    [
        ("nexus_pg", "module", "A fixture of scope module takes nexus_pg_factory, and calls it: nexus_pg_factory()"),
        ("nexus_redis", "session", "A fixture of scope session takes nexus_redis_factory"),
        ("nexus_pg_tx", "class", "nexus_pg_tx belongs to one test. Give the fixture that uses it the scope 'function'"),
        ("nexus_env", "package", "nexus_env belongs to one test. Give the fixture that uses it the scope 'function'"),
    ],
)
def test_a_fixture_of_one_test_is_refused_in_a_wider_scope_with_what_to_write_instead(
    suite: pytest.Pytester, fixture: str, scope: str, says: str
) -> None:
    suite.makepyfile(
        test_scope=f"""
        import pytest

        @pytest.fixture(scope="{scope}")
        def catalog({fixture}):
            pass

        def test_it(catalog):
            pass
        """
    )
    text = suite.runpytest_inprocess(*PLUGIN, "test_scope.py").stdout.str()
    assert "ScopeMismatch" in text
    assert says in text


def test_a_record_of_another_version_is_the_reason_in_the_five_lines(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = suite.path / "state" / "instances" / "shop"
    monkeypatch.setenv("NEXUSDEV_INSTANCE", "shop")
    folder.mkdir(parents=True)
    (folder / "instance.json").write_text('{"schema_version": 99}')
    text = suite.runpytest_subprocess(*PLUGIN).stdout.str()
    assert "99" in text.partition("  why ")[2].splitlines()[0]


@pytest.mark.parametrize("options", [("-p", "no:xdist"), ("-n", "2")], ids=["alone", "xdist"])
def test_a_failure_of_all_tests_is_told_once_per_run(suite: pytest.Pytester, options: tuple[str, ...]) -> None:
    text = suite.runpytest_subprocess("-p", "no:cacheprovider", "--nexus=attach", *options).stdout.str()
    assert text.count("  tried    to attach to the instance of") == 1
    assert "(see the first test that needed it)" in text


def test_a_suite_without_fixtures_needs_no_instance(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_sum():\n    assert True\n")
    result = pytester.runpytest_subprocess(*PLUGIN, "--nexus-report")
    result.assert_outcomes(passed=1)
    assert "nexus fixtures" not in result.stdout.str()


def test_the_fixtures_are_listed(pytester: pytest.Pytester) -> None:
    text = pytester.runpytest_subprocess(*PLUGIN, "--fixtures").stdout.str()
    for name in (
        "nexus",
        "nexus_chaos",
        "nexus_env",
        "nexus_pg",
        "nexus_pg_tx",
        "nexus_pg_factory",
        "nexus_redis",
        "nexus_redis_factory",
        "nexus_s3",
        "nexus_s3_factory",
        "nexus_vault",
        "nexus_vault_factory",
    ):
        assert f"\n{name}" in text
