"""What `startproject` gives, with the app or, unless BENCHMARK_WITH_APP is set, without."""
