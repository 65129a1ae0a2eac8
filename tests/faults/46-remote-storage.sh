#!/bin/bash
# The same on a host of another machine, where nothing can be flushed from here: an image whose bytes its disk has lost
# is never Ready.
# limit: 120
# long: 120
REMOTE=1
. "$(dirname "$0")/45-storage.sh"
