"""The settings: declared once, read from flags, environment and file, and documented from the declaration.

settings     `Config`, with the type, default, bounds and help of every setting
declaration  what can be read off such a declaration: `settings_of(Config)`
reading      `read_config`: flags over environment over file over defaults; the only reader of the environment
document     README's table and the Flex Template's metadata, generated
"""

from pipeline.config.declaration import Setting, settings_of
from pipeline.config.reading import read_config
from pipeline.config.settings import JOB_SETTINGS, Config, JobArguments

__all__ = ["JOB_SETTINGS", "Config", "JobArguments", "Setting", "read_config", "settings_of"]
