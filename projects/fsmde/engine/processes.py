"""How tools and tests start processes of their own."""

import multiprocessing

#: Starts processes from one that has imported everything and computed nothing: importing takes ten seconds, and a copy of
#: a process whose thread pools have worked may hang.
PROCESSES = multiprocessing.get_context('forkserver')
PROCESSES.set_forkserver_preload(['fsmde', 'mmdet.models', 'mmengine.runner', 'torch._dynamo'])
