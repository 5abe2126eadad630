"""Install drumlesson with the names, versions and requirements of settings.ini."""

from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).resolve().parent
ini = ConfigParser(delimiters=["="], interpolation=None)
ini.read(here / "settings.ini", encoding="utf-8")
cfg = ini["DEFAULT"]
readme = here / "README.md"
train = cfg["train_requirements"].split()
course = train + cfg["course_requirements"].split()
live = cfg["live_requirements"].split()

setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=readme.read_text(encoding="utf-8") if readme.exists() else cfg["description"],
    long_description_content_type="text/markdown",
    author=cfg["author"],
    url=cfg["git_url"],
    project_urls={"Lessons": cfg["doc_host"] + cfg["doc_baseurl"] + "/"},
    license=cfg["license"].upper(),
    keywords=cfg["keywords"].split(),
    classifiers=[
        "Development Status :: 3 - Alpha",
        f"Intended Audience :: {cfg['audience']}",
        f"Natural Language :: {cfg['language']}",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Multimedia :: Sound/Audio :: Analysis",
    ],
    # The workshop stays in the project: whoever installs the package never needs it.
    packages=find_packages(include=["drumlesson", "drumlesson.*"], exclude=["drumlesson.dev*"]),
    package_data={cfg["lib_name"]: ["data/*", "py.typed"]},
    python_requires=f">={cfg['min_python']},<{cfg['max_python']}",
    install_requires=cfg["requirements"].split(),
    extras_require={
        "train": train,
        "course": course,
        "live": live,
        "dev": course + live + cfg["dev_requirements"].split(),
    },
    entry_points={"console_scripts": cfg["console_scripts"].split()},
    zip_safe=False,
)
