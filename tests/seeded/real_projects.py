"""Ten published projects, each with a seeded bug found by its own tests."""

from dataclasses import dataclass

from groundwork.checks.model import CheckSettings
from tests.seeded.projects import Project
from tests.seeded.sdists import Sdist

PYTHON = ".venv/bin/python"
SETUP = ("python3 -m venv .venv", f"{PYTHON} -m pip install --quiet pytest==8.3.5")


@dataclass(frozen=True, slots=True)
class RealProject:
    """Published project: `bug` and `wrong` each replace `right` in the file at `path`.

    `tests` are arguments of pytest. The log of the tests shows `proof` after the wrong change.
    """

    sdist: Sdist
    path: str
    right: str
    bug: str
    wrong: str
    tests: str
    proof: str

    @property
    def settings(self) -> CheckSettings:
        command = f"{PYTHON} -m pytest -q -p no:cacheprovider {self.tests}"
        return CheckSettings(setup=SETUP, verify=(command,), env={"PYTHONPATH": ".:src"})

    def with_bug(self) -> Project:
        """Unpack the project and seed the bug. Raises RegistryUnreachable, WrongContent."""
        files = self.sdist.files()
        published = files[self.path]
        assert published.count(self.right) == 1
        for text in (self.bug, self.wrong):
            assert published.replace(self.right, text).count(text) == 1
        files[self.path] = published.replace(self.right, self.bug)
        return Project(self.sdist.name, self.path, self.bug, self.wrong, self.right, self.proof, files)


REAL_PROJECTS = (
    RealProject(
        Sdist("boltons", "26.2.0", "d39cfd15c1a1c3bd4d705c82252fa9edb8e4f5e8cc039f8e39afac7b1b47e92c"),
        path="boltons/strutils.py",
        right="if abs_bytes < next_size:",
        bug="if nbytes < next_size:",
        wrong="if abs_bytes <= next_size:",
        tests="tests/test_strutils.py",
        proof="assert '1024B' == '1K'",
    ),
    RealProject(
        Sdist("cachetools", "8.0.2", "30ac523adfc118b51d2b2e7bad8a0ddb31370dfe2700c7f10ca224f36ccf81e0"),
        path="src/cachetools/__init__.py",
        right="self.__currsize += diffsize",
        bug="self.__currsize -= diffsize",
        wrong="self.__currsize += size",
        tests="tests/test_cache.py",
        proof="TypeError: unsupported operand type(s) for +=",
    ),
    RealProject(
        Sdist("inflection", "0.5.1", "1a29730d366e996aaacffb2f1f1cb9593dc38e2ddd30c91250c6dde09ea9b417"),
        path="inflection/__init__.py",
        right="if number % 100 in (11, 12, 13):",
        bug="if number % 100 in (11, 12):",
        wrong="if number % 100 in (11, 13):",
        tests="test_inflection.py",
        proof="'-12nd'",
    ),
    RealProject(
        Sdist("iniconfig", "2.3.1", "67f4b9c50da0dedf52af349e7749a80a9057a5031199791b906c3bb3ae878960"),
        path="src/iniconfig/__init__.py",
        right="return None if lineno is None else lineno + 1",
        bug="return None if lineno is None else lineno",
        wrong="return None if lineno is None else lineno + 2",
        tests="testing",
        proof="assert 2 == 1",
    ),
    RealProject(
        Sdist("itsdangerous", "2.2.0", "e0050c0b7da1eea53ffaf149c0cfbb5c6e2e2b69c4bef22c81fa6eb73e5f6173"),
        path="src/itsdangerous/encoding.py",
        right='return _int_to_bytes(num).lstrip(b"\\x00")',
        bug="return _int_to_bytes(num)",
        wrong='return _int_to_bytes(num).rstrip(b"\\x00")',
        tests="tests/test_itsdangerous/test_encoding.py",
        proof="1 failed, 7 passed",
    ),
    RealProject(
        Sdist("more_itertools", "11.2.1", "cbf08fd0af284dc69718b9b76a8e6203df624d70209ea511e4219d350c856f63"),
        path="more_itertools/recipes.py",
        right="for num_active in range(len(iterables), 0, -1):",
        bug="for num_active in range(len(iterables), 1, -1):",
        wrong="for num_active in range(len(iterables) - 1, 0, -1):",
        tests="tests/test_recipes.py::RoundrobinTests",
        proof="AssertionError: Lists differ",
    ),
    RealProject(
        Sdist("parse", "1.20.2", "b41d604d16503c79d81af5165155c0b20f6c8d6c559efa66b4b695c3e5a0a0ce"),
        path="parse.py",
        right="return sign * int(string, base)",
        bug="return int(string, base)",
        wrong="return sign + int(string, base)",
        tests="tests",
        proof="assert 2 == 1",
    ),
    RealProject(
        Sdist("tabulate", "0.9.0", "0095b12bf5966de529c0feb1fa08671671b3368eec77d7ef7ab114be2c068b3c"),
        path="tabulate/__init__.py",
        right='fmt = "{0:^%ds}" % width',
        bug='fmt = "{0:^%ds}" % (width + 1)',
        wrong='fmt = "{0:^%ds}" % (width - 1)',
        tests="test/test_output.py",
        proof="20 failed, 138 passed",
    ),
    RealProject(
        Sdist("toolz", "1.0.0", "2c86e3d9a04798ac556793bced838816296a2f085017664e4995cb40a1047a02"),
        path="toolz/itertoolz.py",
        right="itertools.islice(it, i), 0)",
        bug="itertools.islice(it, i + 1), 0)",
        wrong="itertools.islice(it, n), 0)",
        tests="toolz/tests/test_itertoolz.py",
        proof="assert [(3, 3), (4, 4)]",
    ),
    RealProject(
        Sdist("xmltodict", "1.0.4", "6d94c9f834dd9e44514162799d344d815a3a4faec913717a9ecbfa5be1bb8e61"),
        path="xmltodict.py",
        right="namespace, name = full_name[:i], full_name[i+1:]",
        bug="namespace, name = full_name[:i], full_name[i:]",
        wrong="namespace, name = full_name[:i], full_name[i+2:]",
        tests="tests/test_xmltodict.py",
        proof="{'oot': ",
    ),
)
