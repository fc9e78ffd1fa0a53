import logging

import pytest

from stochastic_music._parallel import Processes


@pytest.fixture(scope="session")
def scheduler():
    """The address of a Dask cluster on this machine: two workers, each a process."""
    distributed = pytest.importorskip("distributed")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=logging.CRITICAL
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="session", params=["processes", "dask"])
def executor(request):
    """Workers in other processes: ours, and a cluster's."""
    if request.param == "processes":
        with Processes(2) as workers:
            yield workers
    else:
        from stochastic_music._parallel import opened

        with opened(request.getfixturevalue("scheduler")) as workers:
            yield workers
