"""Writes ``frozen.json`` anew, after a change of the generator that is meant."""

import json

from .frozen import RECORD, record

if __name__ == '__main__':
    RECORD.write_text(json.dumps(record()) + '\n')
