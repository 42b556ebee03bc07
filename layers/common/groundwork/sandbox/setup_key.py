"""Keys of kept set-ups.

The key covers the files that decide what set-up installs. One too many repeats a set-up; one too few checks a change
in a stale environment.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence

from groundwork.sandbox.command_words import paths_in

_NAMES = frozenset(
    {
        # Python
        *("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "noxfile.py", "pipfile", "uv.toml", "poetry.toml"),
        *("pdm.toml", "pip.conf", "pip.ini", ".pypirc", ".python-version", "pixi.toml", "conda-lock.yml"),
        *("environment.yml", "environment.yaml", "meta.yaml", "manifest.in"),
        # JavaScript
        *("package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"),
        *(".pnpmfile.cjs", ".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "deno.json", "deno.jsonc", "lerna.json"),
        *(".nvmrc", ".node-version", "rush.json", "bower.json"),
        # Java, Kotlin, Scala, Clojure
        *("pom.xml", "gradle.properties", "gradle-wrapper.properties", "mvnw", "gradlew", "build.sc", "ivy.xml"),
        *("build.properties", "deps.edn", "project.clj", ".java-version", ".sdkmanrc"),
        # Go, Rust, C and C++, Swift
        *("go.mod", "go.sum", "go.work", "go.work.sum", "cargo.toml", "rust-toolchain", "rust-toolchain.toml"),
        *("build.rs", "conanfile.txt", "conanfile.py", "vcpkg.json", "cmakelists.txt", "meson.build", "configure.ac"),
        *("package.swift", "package.resolved", "podfile", "cartfile", "cartfile.resolved", ".swift-version"),
        # Ruby, PHP, Perl, R, Julia
        *("gemfile", "gems.rb", "gems.locked", ".ruby-version", "composer.json", "auth.json", ".php-version"),
        *("cpanfile", "cpanfile.snapshot", "makefile.pl", "build.pl", "description", "project.toml", "manifest.toml"),
        # .NET
        *("packages.config", "packages.lock.json", "nuget.config", "global.json", "paket.dependencies"),
        *("directory.packages.props", "directory.build.props", "directory.build.targets", "dotnet-tools.json"),
        # Elixir, Erlang, Dart, Haskell
        *("mix.exs", "rebar.config", "pubspec.yaml", "pubspec_overrides.yaml", "stack.yaml"),
        *("cabal.project", "cabal.project.freeze", "package.yaml"),
        # any language
        *(".tool-versions", ".mise.toml", "mise.toml", ".envrc", "flake.nix", "shell.nix", "default.nix"),
        *("makefile", "gnumakefile", "justfile", ".justfile", "taskfile.yml", "taskfile.yaml", "rakefile"),
        *("module.bazel", "workspace", "workspace.bazel", ".bazelversion", "brewfile", "apt.txt", "packages.txt"),
        ".gitmodules",
    }
)
"""Names in lower case of files that decide about set-up, in any folder."""

_ENDINGS = (
    *(".lock", ".lockb", ".lockfile", ".lock.json", ".lock.yaml", ".gradle", ".gradle.kts", ".versions.toml", ".sbt"),
    *(".csproj", ".fsproj", ".vbproj", ".sln", ".slnx", ".gemspec", ".podspec", ".cabal", ".nimble", ".rockspec"),
    *(".opam", ".patch"),
)
_FOLDERS = ("requirements", "constraints")
"""Beginnings of folders: `requirements/base.txt`, `requirements-dev/all.in`."""

_CONFIGURATION = frozenset({"buildsrc", ".mvn", ".cargo", ".yarn", ".bundle"})
"""Folders of build tools."""

_LISTS = (".txt", ".in", ".pip")


def decides_setup(path: str, named: Collection[str]) -> bool:
    """True if set-up may depend on this file; `named` are the paths in the commands of set-up."""
    *folders, name = path.lower().split("/")
    if name in _NAMES or name.endswith(_ENDINGS):
        return True
    if any(folder.startswith(_FOLDERS) or folder in _CONFIGURATION for folder in folders):
        return True
    is_list = name.endswith(_LISTS) and ("requirements" in name or "constraints" in name)
    return is_list or _is_named(path, named)


def _is_named(path: str, named: Collection[str]) -> bool:
    # a command may change its folder first: `cd web && ./install.sh`
    parts = path.split("/")
    return any("/".join(parts[start:]) in named for start in range(len(parts)))


def setup_key(repository: str, commands: Sequence[str], machine: str, contents: Mapping[str, bytes]) -> str:
    """Derive the key from repository, set-up commands, machine image and deciding files.

    `contents` holds files or their digests.
    """
    named = paths_in(commands)
    files = {
        path: hashlib.sha256(content).hexdigest() for path, content in contents.items() if decides_setup(path, named)
    }
    # as JSON the parts cannot run into one another
    text = json.dumps([repository, list(commands), machine, files], sort_keys=True)
    return f"setups/{repository}/{hashlib.sha256(text.encode()).hexdigest()}.tar"
