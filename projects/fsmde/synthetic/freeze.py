"""Writes ``frozen.json`` anew, after a change of the generator that is meant.

python -m fsmde.synthetic.freeze           # worlds change: the generator gets another name, worlds are made anew
python -m fsmde.synthetic.freeze --same    # all files of worlds are as before, which was seen: it keeps its name
"""

import argparse
import json

from .frozen import RECORD, record

if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--same', action='store_true', help='the change draws the same worlds')
    name = json.loads(RECORD.read_text())['generator'] if parser.parse_args().same else None
    RECORD.write_text(json.dumps(record(name)) + '\n')
