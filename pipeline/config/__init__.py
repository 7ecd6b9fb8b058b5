"""The settings: declared once, read from options, environment and file, and documented from the declaration.

settings     `Config`, with the type, default, bounds and help of every setting
declaration  `Setting`, which declares a setting, and `settings_of`, which reads the declarations of a class
reading      `read_config`, which combines options, environment, file and defaults
document     generates README's table and the Flex Template's metadata
"""

from pipeline.config.declaration import Setting, settings_of
from pipeline.config.reading import read_config
from pipeline.config.settings import JOB_SETTINGS, Config, JobArguments

__all__ = ["JOB_SETTINGS", "Config", "JobArguments", "Setting", "read_config", "settings_of"]
