"""One reader under atheris: `python -m scripts.fuzzing.target NAME [libFuzzer's options] CORPUS`."""

import sys

import atheris

with atheris.instrument_imports(include=["shared", "scripts.configuration"]):
    from tests.fuzz.readers import readers


def main() -> None:
    name, *options = sys.argv[1:]
    reader = readers()[name]

    def one_input(data: bytes) -> None:
        try:
            reader.read(data)
        except reader.refuses:
            return

    atheris.Setup([sys.argv[0], *options], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
