"""Projects with a seeded bug, a wrong change, the right one, and tests."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Project:
    """Project with a bug: `wrong` and `right` replace `bug` in the file at `path`.

    `proof` is in the test's log after the wrong change.
    """

    key: str
    path: str
    bug: str
    wrong: str
    right: str
    proof: str
    files: dict[str, str]

    def is_mended(self, content: str) -> bool:
        return self.right in content


def _project(key: str, source: str, tests: str, bug: str, wrong: str, right: str, proof: str) -> Project:
    assert bug in source
    path = f"{key}/code.py"
    files = {path: source, f"{key}/__init__.py": "", f"{key}/test_code.py": tests}
    return Project(key, path, bug, wrong, right, proof, files)


def _tests(key: str, *lines: str) -> str:
    body = "\n".join(f"    def test_{number}(self):\n        {line}" for number, line in enumerate(lines))
    return f"import unittest\n\nfrom {key} import code\n\n\nclass Test(unittest.TestCase):\n{body}\n"


PROJECTS = (
    _project(
        "pages",
        "def pages(items, size):\n    return len(items) // size\n",
        _tests("pages", "self.assertEqual(code.pages([1, 2, 3], 2), 2)", "self.assertEqual(code.pages([1, 2], 2), 1)"),
        bug="return len(items) // size",
        wrong="return (len(items) + size) // size",
        right="return -(-len(items) // size)",
        proof="AssertionError: 2 != 1",
    ),
    _project(
        "slugs",
        "def slug(text):\n    return text.replace(' ', '-')\n",
        _tests("slugs", "self.assertEqual(code.slug('A b'), 'a-b')", "self.assertEqual(code.slug(' A '), 'a')"),
        bug="return text.replace(' ', '-')",
        wrong="return text.lower().replace(' ', '-')",
        right="return text.strip().lower().replace(' ', '-')",
        proof="AssertionError: '-a-' != 'a'",
    ),
    _project(
        "merge",
        "def merged(first, second):\n    first.update(second)\n    return first\n",
        _tests(
            "merge",
            "self.assertEqual(code.merged({'a': 1}, {'a': 2}), {'a': 2})",
            "given = {'a': 1}; code.merged(given, {'b': 2}); self.assertEqual(given, {'a': 1})",
        ),
        bug="first.update(second)\n    return first",
        wrong="return {**second, **first}",
        right="return {**first, **second}",
        proof="AssertionError: {'a': 1} != {'a': 2}",
    ),
)
